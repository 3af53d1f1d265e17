/** mpvm migrations: the moves so far and under way; with an id, one of them in full. */
import { MpvmError } from '../errors.js';
import { bytes, milliseconds, paint } from './format.js';
import type { Session } from './session.js';
import { migrationShape } from './shapes.js';
import type { MigrationShape } from './shapes.js';
import { printJson, printLines, printTable, table } from './table.js';
import type { Column } from './table.js';

const columns: Column<MigrationShape>[] = [
  { title: 'ID', cell: (m) => m.id },
  { title: 'TID', cell: (m) => m.tid },
  { title: 'FROM', cell: (m) => m.from },
  { title: 'TO', cell: (m) => m.to },
  { title: 'OUTCOME', cell: outcome },
  { title: 'DOWNTIME', cell: (m) => measured(m, m.downtimeMs), right: true },
  { title: 'OBTRUSIVE', cell: (m) => measured(m, m.obtrusivenessMs), right: true },
  { title: 'COST', cell: (m) => measured(m, m.totalMs), right: true },
  { title: 'SENT', cell: (m) => bytes(m.transferredBytes), right: true },
  { title: 'STARTED', cell: (m) => m.started?.slice(11, 19) ?? '-' },
  { title: 'REASON', cell: (m) => m.reason },
];

function outcome(m: MigrationShape): string {
  if (m.outcome === 'completed') return paint('green', 'completed');
  if (m.outcome === 'running') return paint('yellow', m.state);
  return paint('red', m.code ? `${m.outcome} (${m.code})` : m.outcome);
}

const measured = (m: MigrationShape, ms: number): string => (m.outcome === 'completed' ? milliseconds(ms) : '-');

export async function migrationList(session: Session): Promise<MigrationShape[]> {
  const reply = await (await session.control()).migrations({});
  return reply.migrations.sort((a, b) => (a.startedMs ?? 0) - (b.startedMs ?? 0)).map(migrationShape);
}

/** By id, or by as much of its beginning as is unlike any other. */
export async function findMigration(session: Session, id: string): Promise<MigrationShape> {
  const list = await migrationList(session);
  const found = list.filter((m) => m.id === id);
  const close = found.length > 0 ? found : list.filter((m) => m.id.startsWith(id));
  if (close.length > 1) {
    throw new MpvmError('BAD_REQUEST', { detail: `"${id}" could be any of ${close.map((m) => m.id).join(', ')}` });
  }
  const only = close[0];
  if (!only) throw new MpvmError('MIGRATION_UNKNOWN', { id });
  return only;
}

/** MPVM's terms, and what went over the wire. */
function figures(m: MigrationShape): string {
  return (
    `downtime ${milliseconds(m.downtimeMs)}, obtrusiveness ${milliseconds(m.obtrusivenessMs)}, ` +
    `migration cost ${milliseconds(m.totalMs)}, ${bytes(m.transferredBytes)}, ${m.rounds} round${m.rounds === 1 ? '' : 's'}` +
    (m.mbps > 0 ? `, ${m.mbps.toFixed(0)} Mbit/s` : '')
  );
}
const heading = (m: MigrationShape): string => `${paint('bold', m.tid)} ${m.from} -> ${m.to}`;

/** One move in three lines. */
export function shortTimeline(m: MigrationShape): string[] {
  const phases = m.phases.map((phase) => `${phase.name} ${milliseconds(phase.ms)}`);
  return [`${heading(m)}: ${figures(m)}`, ...(phases.length > 0 ? [`  ${paint('dim', phases.join(' · '))}`] : [])];
}

/** How its memory was copied. */
function copying(m: MigrationShape): string {
  return [
    `writes found by ${m.tracking}`,
    ...(m.dirtyMbps > 0 ? [`it wrote ${m.dirtyMbps} Mbit/s`] : []),
    ...(m.noConvergence ? ['more rounds did not help'] : []),
    ...(m.throttlePercent > 0 ? [`it was slowed down by up to ${m.throttlePercent} %`] : []),
    ...(m.waiting ? ['it was stopped while it waited for a message'] : []),
  ].join(', ');
}

/** One move in full: when each phase began, how long it took, how much it sent. */
export function timeline(m: MigrationShape): string[] {
  const end = m.outcome === 'completed' ? 'completed' : `${m.outcome}${m.reason ? `: ${m.reason}` : ''}`;
  const phases = table(
    [
      { title: 'phase', cell: (phase) => phase.name },
      { title: 'at', cell: (phase) => milliseconds(phase.startMs), right: true },
      { title: 'took', cell: (phase) => milliseconds(phase.ms), right: true },
      { title: 'sent', cell: (phase) => (phase.bytes > 0 ? bytes(phase.bytes) : ''), right: true },
    ],
    m.phases,
  );
  return [
    `${heading(m)}  ${end}  (${m.id}, engine ${m.engine || '-'})`,
    ...(m.engineReason ? [`  ${m.engine}: ${m.engineReason}`] : []),
    ...(m.outcome === 'completed' ? [`  ${figures(m)}`] : []),
    ...(m.tracking ? [`  ${copying(m)}`] : []),
    ...(m.phases.length > 0 ? phases.map((line) => `    ${line}`) : []),
    ...m.blockers.map((b) => `  ${b.warning ? 'warning' : 'blocked'} ${b.code}: ${b.cause}${b.remedy ? `; ${b.remedy}` : ''}`),
  ];
}

export async function migrations(session: Session, id: string | undefined): Promise<number> {
  if (id !== undefined) {
    const one = await findMigration(session, id);
    if (session.json) printJson(one);
    else printLines(timeline(one));
    return 0;
  }
  const list = await migrationList(session);
  if (session.json) printJson(list);
  else if (list.length === 0) process.stderr.write('no moves yet\n');
  else printTable(columns, list);
  return 0;
}
