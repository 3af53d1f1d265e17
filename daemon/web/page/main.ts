/** The page: follows the news, keeps the state, and has each view show it. */
import { plural } from '../../shared/format.js';
import { State } from '../../shared/state.js';
import { Timeline } from '../../shared/timeline.js';
import { historyMs } from '../../shared/wire.js';
import type { News } from '../../shared/wire.js';
import { ask, follow, RequestFailed, takeToken, tryToken } from './connection.js';
import type { Status } from './connection.js';
import { drainDialog, moveDialog } from './dialogs.js';
import { byId, inputById, setAttribute, setText } from './dom.js';
import { Happenings } from './happenings.js';
import { Moves } from './moves.js';
import { Nodes } from './nodes.js';
import { SpaceTime } from './space-time.js';
import { Tasks } from './tasks.js';

/** Views are shown anew at most so often. */
const refreshMs = 200;

const state = new State();
const timeline = new Timeline();
const happenings = new Happenings();
const diagram = new SpaceTime(state, timeline);
const nodes = new Nodes(state, { drain: (node) => drainDialog(node, state), cordon: (node, cordoned) => void tryTo(() => ask('/api/cordon', { node, cordoned, reason: cordoned ? 'dashboard' : '' })) });
const tasks = new Tasks(state, (tid) => moveDialog(tid, state));
const moves = new Moves(state, (id) => void tryTo(() => ask('/api/cancel', { id })));

async function tryTo(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const text = thrown instanceof RequestFailed ? [thrown.message, thrown.remedy].filter(Boolean).join('; ') : String(thrown);
    happenings.tell(text, 'bad');
  }
}

let asked = false;
function refresh(): void {
  if (asked) return;
  asked = true;
  setTimeout(() => {
    asked = false;
    nodes.refresh();
    tasks.refresh();
    moves.refresh();
    diagram.refresh();
    showTotals();
  }, refreshMs);
}

function showTotals(): void {
  const running = [...state.moves.values()].filter(({ outcome }) => outcome === 'running').length;
  const parts = [plural(state.nodes.size, 'node'), plural(state.tasks.size, 'task'), ...(running > 0 ? [`${plural(running, 'move')} under way`] : [])];
  setText(byId('vm'), state.vm);
  setText(byId('totals'), `${parts.join(', ')}; served by ${state.servedBy}`);
  document.title = `${state.vm} · mpvm`;
}

function take(news: News): void {
  happenings.hear(news, state);
  state.apply(news);
  if (news.event === 'snapshot') {
    diagram.clockOffset = news.data.now - Date.now();
    timeline.clear();
    for (const activity of state.activity) timeline.add(activity);
  } else if (news.event === 'activity') {
    timeline.add(news.data);
    timeline.forget(timeline.latest - historyMs);
  }
  refresh();
}

const words: Record<Status, string> = { connecting: 'connecting', live: 'live', lost: 'not connected', refused: 'no token' };
function show(status: Status): void {
  setText(byId('status'), words[status]);
  setAttribute(byId('status'), 'data-status', status);
  const trouble = byId('trouble');
  trouble.hidden = status !== 'lost';
  setText(trouble, status === 'lost' ? 'The daemon does not answer. What is shown may be old; the page tries again by itself.' : '');
  const form = byId('token-form');
  if (status === 'refused') {
    setText(byId('token-error'), form.hidden ? '' : 'That is not the token of this daemon.');
    form.hidden = false;
    byId('content').hidden = true;
    byId('token').focus();
  } else if (status === 'live') {
    form.hidden = true;
    byId('content').hidden = false;
  }
}

byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const typed = inputById('token').value.trim();
  tryToken(/#token=(.+)$/.exec(typed)?.[1] ?? typed);
});
addEventListener('hashchange', () => {
  takeToken();
  location.reload();
});
takeToken();
void follow(take, show);
