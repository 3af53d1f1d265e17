/** mocha's spec reporter, which also leaves the counts, the skips and the failures with their reasons in a file for scripts/test.mjs. */
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skips = [];
    const failures = [];
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skips.push(test.fullTitle()));
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => failures.push(`${test.fullTitle()}\n${told(error)}`));
    runner.on(Runner.constants.EVENT_RUN_END, () => {
      const { stats } = runner;
      if (process.env.MPVM_TEST_RESULT) {
        writeFileSync(process.env.MPVM_TEST_RESULT, JSON.stringify({ passed: stats.passes, failed: stats.failures, skips, failures }));
      }
    });
  }
};

/** What is wrong, with the difference where two texts were compared. */
function told(error) {
  const differs = typeof error.expected === 'string' && typeof error.actual === 'string';
  return `${error.stack ?? error}${differs ? `\n${reporters.Base.generateDiff(error.actual, error.expected)}` : ''}`;
}
