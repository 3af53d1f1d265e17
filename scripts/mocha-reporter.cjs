/** mocha's spec reporter, which also leaves the counts and the skips with their reasons in a file for scripts/test.mjs. */
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const skips = [];
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => skips.push(test.fullTitle()));
    runner.on(Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures } = runner.stats;
      if (process.env.MPVM_TEST_RESULT) {
        writeFileSync(process.env.MPVM_TEST_RESULT, JSON.stringify({ passed: passes, failed: failures, skips }));
      }
    });
  }
};
