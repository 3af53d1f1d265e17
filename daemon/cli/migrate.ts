/** mpvm migrate: move tasks, one after the other, showing each as it goes. Ctrl-C stops watching, not the move. */
import { MpvmError, asMpvmError } from '../errors.js';
import { mpvm } from '../rpc/messages.js';
import { blocked, done, errorLine, report } from './exit.js';
import { bytes, milliseconds, paint } from './format.js';
import { nodeList } from './nodes.js';
import { Screen } from './screen.js';
import type { Session } from './session.js';
import { migrationShape } from './shapes.js';
import type { MigrationShape } from './shapes.js';
import { trackings } from '../migration/tracking.js';
import { printJson } from './table.js';
import { formatTid, parseTids } from './tid.js';

interface Options {
  to: string;
  engine: string;
  maxDowntime?: number;
  deadline?: number;
  onNoConvergence: string;
  tracking?: string;
}

const { FREEZE, THROTTLE, GIVE_UP } = mpvm.task.NoConvergence;
const policies: Readonly<Record<string, mpvm.task.NoConvergence>> = { freeze: FREEZE, throttle: THROTTLE, abort: GIVE_UP };

export async function migrate(session: Session, texts: string[], options: Options): Promise<number> {
  const tids = parseTids(texts);
  const client = await session.control();
  if (!(await nodeList(session)).some((node) => node.name === options.to)) throw new MpvmError('NODE_UNKNOWN', { node: options.to });
  const screen = new Screen(process.stdout, !session.json);
  const results: MigrationShape[] = [];
  const errors: MpvmError[] = [];
  let current: MigrationShape | undefined;
  process.on('SIGINT', () => {
    screen.clear();
    const where = current?.id ? `: mpvm migrations ${current.id}, mpvm cancel ${current.id}` : '';
    process.stderr.write(`mpvm: stopped watching; the move goes on${where}\n`);
    process.exit(130);
  });
  for (const tid of tids) {
    try {
      const request: mpvm.node.IMigrateRequest = {
        tid,
        to: options.to,
        engine: options.engine,
        maxDowntimeMs: options.maxDowntime,
        deadlineS: options.deadline,
        onNoConvergence: policies[options.onNoConvergence],
        tracking: trackings[options.tracking ?? ''],
        reason: 'mpvm migrate',
      };
      const watcher = new MoveWatcher(session.json ? undefined : screen);
      for await (const event of client.migrate(request)) {
        if (!event.migration) continue;
        current = migrationShape(event.migration);
        watcher.show(current);
      }
      if (!current) throw new MpvmError('INTERNAL', { detail: `nothing was heard of the move of ${formatTid(tid)}` });
      watcher.end(current);
      results.push(current);
      const error = outcomeError(current);
      if (error) errors.push(error);
      if (error && !session.json) process.stderr.write(`mpvm: ${current.tid} stays at ${current.from}: ${errorLine(error)}\n`);
    } catch (error) {
      screen.clear();
      errors.push(tids.length > 1 && !session.json ? named(tid, error) : report(error, session.json));
    }
    current = undefined;
  }
  if (session.json && results.length > 0) printJson(tids.length === 1 ? results[0] : results);
  const first = errors[0];
  if (!first) return done;
  return errors.length < tids.length ? blocked : first.exitCode;
}

function named(tid: number, thrown: unknown): MpvmError {
  const error = asMpvmError(thrown);
  process.stderr.write(`mpvm: ${formatTid(tid)}: ${errorLine(error)}\n`);
  return error;
}

/** Why a move ended otherwise than complete. */
export function outcomeError(m: MigrationShape): MpvmError | undefined {
  if (m.outcome === 'completed') return undefined;
  const hindrances = m.blockers.filter((blocker) => !blocker.warning);
  const text = hindrances.length > 0 ? hindrances.map((b) => b.cause).join('; ') : m.reason || m.outcome;
  const remedy = hindrances.length > 0 ? hindrances.map((b) => b.remedy).filter(Boolean).join('; ') : undefined;
  return MpvmError.received(hindrances.length > 0 ? 'MIGRATION_BLOCKED' : m.code || 'INTERNAL', text, remedy);
}

/** A move as lines: one that is drawn again and again on a terminal, else one for each state and round. */
export class MoveWatcher {
  readonly #screen: Screen | undefined;
  #last = '';

  constructor(screen: Screen | undefined) {
    this.#screen = screen;
  }

  show(m: MigrationShape): void {
    if (!this.#screen) return;
    if (m.outcome !== 'running' && m.outcome !== '') return;
    const line = progress(m);
    this.#screen.draw([line]);
    const step = milestone(m);
    if (!this.#screen.live && step !== this.#last && step !== 'end') this.#screen.log(line);
    this.#last = step;
  }

  /** With the figures of the last event: what the source still had to do is in them. */
  end(m: MigrationShape): void {
    this.#screen?.clear();
    if (m.outcome === 'completed') this.#screen?.log(summary(m));
  }
}

/** What is worth a line of its own where lines cannot be drawn again: the beginning, and each round over memory. */
export function milestone(m: MigrationShape): string {
  return m.state === 'precopy' ? `round ${m.rounds}` : m.state === 'planned' || m.state === 'preparing' ? 'begin' : 'end';
}

/** t40002 n1 -> n3  precopy round 2: 412 MiB sent, 9.0 MiB left */
export function progress(m: MigrationShape): string {
  const round = m.state === 'precopy' && m.rounds > 0 ? ` round ${m.rounds}` : '';
  const parts = [
    m.transferredBytes > 0 ? `${bytes(m.transferredBytes)} sent` : '',
    m.remainingBytes ? `${bytes(m.remainingBytes)} left` : '',
    m.mbps > 0 ? `${m.mbps.toFixed(0)} Mbit/s` : '',
    m.expectedDowntimeMs ? `est. downtime ${milliseconds(m.expectedDowntimeMs)}` : '',
    m.noConvergence ? 'does not converge' : '',
    m.throttlePercent > 0 ? `throttled by ${m.throttlePercent} %` : '',
  ].filter(Boolean);
  return `${m.tid} ${m.from} -> ${m.to}  ${paint('yellow', m.state + round)}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}

/** t40002 migrated to n3: total 0.41 s, downtime 7.9 ms, 421 MiB, 3 rounds */
export function summary(m: MigrationShape): string {
  const rounds = m.rounds > 0 ? `, ${m.rounds} round${m.rounds === 1 ? '' : 's'}` : '';
  return (
    `${paint('bold', m.tid)} ${paint('green', `migrated to ${m.to}`)}: total ${milliseconds(m.totalMs)}, ` +
    `downtime ${milliseconds(m.downtimeMs)}, source free after ${milliseconds(m.obtrusivenessMs)}, ${bytes(m.transferredBytes)}${rounds}` +
    (m.engineReason ? `; with ${m.engine}, because ${m.engineReason}` : '')
  );
}
