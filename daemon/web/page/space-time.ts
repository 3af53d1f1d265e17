/** The space-time diagram, in the spirit of XPVM: a row a task, time from left to right, messages as lines between rows. */
import { byName, bytes, plural, programName } from '../../shared/format.js';
import type { State } from '../../shared/state.js';
import type { Messages, Stretch, Timeline } from '../../shared/timeline.js';
import type { Move } from '../../shared/wire.js';
import { nodeColour, themeColour } from './colours.js';
import { byId, inputById, selectById, setAttribute, setText } from './dom.js';

const axisHeight = 22;
const tallestRow = 30;
const lowestRow = 7;
const labelledRow = 11;
/** The strongest lines are drawn; more would be a grey area. */
const mostLines = 600;
/** The newest looks of all nodes are in by then. */
const lagMs = 900;
/** Ten times a second looks like flowing, and is cheap. */
const frameMs = 100;

interface Cursor {
  tid: string;
  at: number;
}
/** What one drawing is made with. */
interface Frame {
  context: CanvasRenderingContext2D;
  rows: string[];
  rowOf: Map<string, number>;
  rowHeight: number;
  scroll: number;
  gutter: number;
  width: number;
  height: number;
  from: number;
  to: number;
}

/** Rows, and half seconds, that a key goes. */
const steps: Partial<Record<string, [down: number, right: number]>> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const stillScheme = matchMedia('(prefers-reduced-motion: reduce)');

export class SpaceTime {
  readonly #state: State;
  readonly #timeline: Timeline;
  readonly #box = byId('diagram');
  readonly #canvas = this.#box.querySelector('canvas')!;
  readonly #spacer = this.#box.querySelector<HTMLElement>('.height')!;
  readonly #programs = new Map<string, string>();
  /** Daemon's clock less ours. */
  clockOffset = 0;
  #paused: number | undefined;
  #cursor: Cursor | undefined;
  #drawnAt = 0;
  #asked = false;
  #frame: Frame | undefined;

  constructor(state: State, timeline: Timeline) {
    this.#state = state;
    this.#timeline = timeline;
    this.#box.addEventListener('scroll', () => this.draw());
    this.#box.addEventListener('keydown', (event) => this.#key(event));
    this.#box.addEventListener('pointermove', (event) => this.#point(event));
    this.#box.addEventListener('pointerleave', () => this.#pick(undefined));
    new ResizeObserver(() => this.draw()).observe(this.#box);
    for (const id of ['window', 'order', 'messages']) byId(id).addEventListener('change', () => this.draw());
    const pause = byId('pause');
    pause.addEventListener('click', () => {
      this.#paused = this.#paused === undefined ? this.#now() : undefined;
      setAttribute(pause, 'aria-pressed', String(this.#paused !== undefined));
      this.draw();
    });
    const tick = (time: number): void => {
      if (!stillScheme.matches && this.#paused === undefined && time - this.#drawnAt >= frameMs) this.draw();
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** There is something new; drawn with the next frame. */
  refresh(): void {
    for (const { tid, program } of this.#state.tasks.values()) this.#programs.set(tid, programName(program));
    if (this.#asked || (!stillScheme.matches && this.#paused === undefined)) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.draw();
    });
  }

  #now(): number {
    return stillScheme.matches ? this.#timeline.latest : Date.now() + this.clockOffset - lagMs;
  }

  // ---------------------------------------------------------------- what is shown

  #rows(from: number): string[] {
    const seen = [...this.#timeline.stretches].filter(([, stretches]) => (stretches.at(-1)?.to ?? 0) >= from).map(([tid]) => tid);
    const all = [...new Set([...this.#state.tasks.keys(), ...seen])];
    const value = (tid: string): number => parseInt(tid.slice(1), 16);
    const byTid = (a: string, b: string): number => value(a) - value(b);
    if (selectById('order').value === 'tid') return all.sort(byTid);
    const place = (tid: string): string => this.#state.tasks.get(tid)?.node ?? '~';
    return all.sort((a, b) => byName(place(a), place(b)) || byTid(a, b));
  }

  draw(): void {
    this.#drawnAt = performance.now();
    const context = this.#canvas.getContext('2d');
    if (!context || this.#box.clientWidth === 0) return;
    const to = this.#paused ?? this.#now();
    const from = to - Number(selectById('window').value) * 1000;
    const rows = this.#rows(from);
    const most = parseFloat(getComputedStyle(this.#box).maxHeight) || 480;
    const rowHeight = Math.max(lowestRow, Math.min(tallestRow, Math.floor((most - axisHeight) / Math.max(1, rows.length))));
    const content = axisHeight + Math.max(2, rows.length) * rowHeight;
    this.#spacer.style.height = `${content}px`;
    const width = this.#box.clientWidth;
    const height = Math.min(content, most);
    this.#size(width, height);
    this.#box.style.height = `${height}px`;
    const frame: Frame = {
      context, rows, rowOf: new Map(rows.map((tid, at) => [tid, at])), rowHeight, scroll: this.#box.scrollTop,
      gutter: rowHeight >= labelledRow ? Math.min(170, width / 4) : 8, width, height, from, to,
    };
    this.#frame = frame;
    context.clearRect(0, 0, width, height);
    drawAxis(frame);
    this.#drawUnseen(frame);
    const visible = rows.filter((tid) => inSight(frame, tid));
    for (const tid of visible) this.#drawRow(frame, tid);
    if (inputById('messages').checked) this.#drawMessages(frame);
    for (const move of this.#state.moves.values()) if (inSight(frame, move.tid)) this.#drawMove(frame, move);
    this.#drawCursor(frame);
    drawTimes(frame);
    this.#describe(rows);
  }

  #size(width: number, height: number): void {
    const scale = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
    }
    this.#canvas.getContext('2d')!.setTransform(scale, 0, 0, scale, 0, 0);
  }

  /** Before the first look there is nothing to show, and that is said. */
  #drawUnseen(frame: Frame): void {
    const { context, gutter, height } = frame;
    const room = x(frame, this.#timeline.earliest || frame.to) - gutter;
    const text = 'nobody looked: nothing was measured';
    context.font = `12px ${themeColour('sans')}`;
    if (room < context.measureText(text).width + 40) return;
    context.fillStyle = themeColour('muted');
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    context.fillText(text, gutter + room / 2, axisHeight + (height - axisHeight) / 2);
    context.textAlign = 'left';
  }

  #drawRow(frame: Frame, tid: string): void {
    const { context, rowHeight, gutter, from, to } = frame;
    const top = rowTop(frame, tid);
    const pad = rowHeight >= labelledRow ? 2 : 1;
    for (const stretch of this.#timeline.stretches.get(tid) ?? []) {
      if (stretch.to < from || stretch.from > to) continue;
      drawStretch(frame, stretch, top + pad, rowHeight - 2 * pad);
    }
    context.fillStyle = themeColour('grid');
    context.fillRect(gutter, top + rowHeight - 0.5, frame.width - gutter, 0.5);
    if (rowHeight < labelledRow) return;
    const node = this.#state.tasks.get(tid)?.node;
    context.save();
    context.beginPath();
    context.rect(0, top, gutter - 6, rowHeight);
    context.clip();
    if (node !== undefined) {
      context.fillStyle = nodeColour(node);
      context.fillRect(0, top + pad, 4, rowHeight - 2 * pad);
    }
    context.textBaseline = 'middle';
    context.font = `${Math.min(13, rowHeight - 1)}px ${themeColour('mono')}`;
    context.fillStyle = themeColour(node === undefined ? 'muted' : 'text');
    context.fillText(tid, 10, top + rowHeight / 2);
    const after = 10 + context.measureText(tid).width + 8;
    context.font = `${Math.min(12, rowHeight - 1)}px ${themeColour('sans')}`;
    context.fillStyle = themeColour('muted');
    context.fillText(`${this.#programs.get(tid) ?? ''}${node === undefined ? ' (ended)' : ''}`, after, top + rowHeight / 2);
    context.restore();
  }

  #drawMessages(frame: Frame): void {
    const { context, from, to, gutter, width, height } = frame;
    let lines = this.#timeline.messages.filter((line) => line.to >= from && line.from <= to && frame.rowOf.has(line.sender) && frame.rowOf.has(line.receiver) && (inSight(frame, line.sender) || inSight(frame, line.receiver)));
    if (lines.length > mostLines) lines = lines.sort((a, b) => b.messages - a.messages).slice(0, mostLines);
    context.save();
    context.beginPath();
    context.rect(gutter, axisHeight, width - gutter, height - axisHeight);
    context.clip();
    context.strokeStyle = themeColour('line');
    const crowd = Math.min(1, 80 / Math.max(1, lines.length));
    for (const line of lines) drawMessages(frame, line, crowd);
    context.restore();
  }

  /** A band along the top of the row for as long as it takes, and a mark where the task goes on. */
  #drawMove(frame: Frame, move: Move): void {
    const { context, rowHeight, from, to, gutter, width } = frame;
    const begin = Date.parse(move.started ?? '');
    const end = move.outcome === 'running' ? to : begin + move.totalMs;
    if (Number.isNaN(begin) || end < from || begin > to) return;
    const top = rowTop(frame, move.tid);
    const [left, right] = [Math.max(gutter, x(frame, begin)), Math.min(width, x(frame, end))];
    context.fillStyle = themeColour(move.outcome === 'running' || move.outcome === 'completed' ? 'move' : 'bad');
    context.fillRect(left, top, Math.max(2, right - left), Math.min(3, rowHeight / 3));
    if (move.outcome === 'running' || x(frame, end) < gutter) return;
    context.fillRect(right - 1, top, 2, rowHeight);
    if (rowHeight < labelledRow) return;
    context.font = `600 ${Math.min(12, rowHeight - 3)}px ${themeColour('sans')}`;
    context.textBaseline = 'middle';
    const label = move.outcome === 'completed' ? `→ ${move.to}` : 'stays';
    const measured = context.measureText(label).width;
    if (right + measured + 10 > width) return;
    context.fillStyle = themeColour('surface');
    context.globalAlpha = 0.85;
    context.fillRect(right + 1, top + 2, measured + 8, rowHeight - 4);
    context.globalAlpha = 1;
    context.fillStyle = themeColour('text');
    context.fillText(label, right + 5, top + rowHeight / 2 + 0.5);
  }

  // ---------------------------------------------------------------- one place of it, in words

  #drawCursor(frame: Frame): void {
    if (!this.#cursor || !frame.rowOf.has(this.#cursor.tid)) return;
    const { context, rowHeight, width, gutter } = frame;
    const top = rowTop(frame, this.#cursor.tid);
    context.strokeStyle = themeColour('focus');
    context.lineWidth = 1;
    context.strokeRect(gutter + 0.5, top + 0.5, width - gutter - 1, rowHeight - 1);
    const at = x(frame, this.#cursor.at);
    if (at < gutter) return;
    context.fillStyle = themeColour('focus');
    context.fillRect(at - 0.5, axisHeight, 1, frame.height);
  }

  #pick(cursor: Cursor | undefined): void {
    this.#cursor = cursor;
    setText(byId('diagram-cursor'), cursor ? this.#words(cursor) : '');
    if (this.#paused !== undefined || stillScheme.matches) this.draw();
  }

  #words({ tid, at }: Cursor): string {
    const stretch = this.#timeline.at(tid, at);
    const program = this.#programs.get(tid);
    const ago = `${(Math.max(0, this.#now() - at) / 1000).toFixed(1)} s ago`;
    const who = `${tid}${program ? ` ${program}` : ''}, ${ago}`;
    if (!stretch) return `${who}: nothing is known`;
    const sent = this.#timeline.sentAt(tid, at);
    const sending = sent.messages > 0 ? `; sent ${plural(sent.messages, 'message')} (${bytes(sent.bytes)}) to ${plural(sent.receivers, 'task')}` : '';
    return `${who} on ${stretch.node}: computing ${stretch.computing} %, wanted a processor ${stretch.ready} %, waited ${stretch.waiting} %${sending}`;
  }

  #point(event: PointerEvent): void {
    const frame = this.#frame;
    if (!frame) return;
    const { left, top } = this.#box.getBoundingClientRect();
    const [px, py] = [event.clientX - left, event.clientY - top];
    const tid = frame.rows[Math.floor((py - axisHeight + frame.scroll) / frame.rowHeight)];
    if (tid === undefined || px < frame.gutter || py < axisHeight) return this.#pick(undefined);
    this.#pick({ tid, at: frame.from + ((px - frame.gutter) / (frame.width - frame.gutter)) * (frame.to - frame.from) });
  }

  #key(event: KeyboardEvent): void {
    const frame = this.#frame;
    const [down, right] = steps[event.key] ?? [0, 0];
    if (!frame || frame.rows.length === 0 || (!down && !right)) return;
    event.preventDefault();
    const row = this.#cursor ? (frame.rowOf.get(this.#cursor.tid) ?? 0) + down : 0;
    const tid = frame.rows[Math.max(0, Math.min(frame.rows.length - 1, row))]!;
    const at = (this.#cursor?.at ?? frame.to - 500) + right * 500;
    this.#pick({ tid, at: Math.max(frame.from, Math.min(frame.to - 1, at)) });
    const top = (frame.rowOf.get(tid) ?? 0) * frame.rowHeight;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (top + frame.rowHeight + axisHeight > this.#box.scrollTop + frame.height) this.#box.scrollTop = top + frame.rowHeight + axisHeight - frame.height;
  }

  #describe(rows: string[]): void {
    setAttribute(this.#box, 'aria-label', `Space-time diagram: ${plural(rows.length, 'task')}, the last ${selectById('window').value} seconds. The tables of tasks and moves have the same figures.`);
  }
}

const x = ({ gutter, width, from, to }: Frame, time: number): number => gutter + ((time - from) / (to - from)) * (width - gutter);
const rowTop = ({ rowOf, rowHeight, scroll }: Frame, tid: string): number => axisHeight + (rowOf.get(tid) ?? 0) * rowHeight - scroll;
function inSight(frame: Frame, tid: string): boolean {
  const top = rowTop(frame, tid);
  return frame.rowOf.has(tid) && top + frame.rowHeight > axisHeight && top < frame.height;
}

/** From below: computing, wanting a processor, waiting; the rest it slept. */
function drawStretch(frame: Frame, stretch: Stretch, top: number, height: number): void {
  const { context, gutter, width } = frame;
  const left = Math.max(gutter, x(frame, stretch.from));
  const right = Math.min(width, x(frame, stretch.to)) + 0.5;
  if (right <= left) return;
  const shares: [number, string][] = [
    [stretch.computing, nodeColour(stretch.node)],
    [stretch.ready, themeColour('ready')],
    [stretch.waiting, nodeColour(stretch.node, 0.28)],
  ];
  let bottom = top + height;
  for (const [share, colour] of shares) {
    const part = Math.min(bottom - top, (Math.min(100, share) / 100) * height);
    if (part <= 0) continue;
    context.fillStyle = colour;
    context.fillRect(left, bottom - part, right - left, part);
    bottom -= part;
  }
  // The node's lane, also under a task that sleeps.
  context.fillStyle = nodeColour(stretch.node);
  context.fillRect(left, top + height - Math.min(1.5, height / 4), right - left, Math.min(1.5, height / 4));
}

function drawMessages(frame: Frame, { from, to, sender, receiver, messages }: Messages, crowd: number): void {
  const { context, rowHeight } = frame;
  const strength = Math.min(1, 0.25 + Math.log10(1 + messages) / 5);
  context.globalAlpha = Math.max(0.05, strength * crowd);
  context.lineWidth = Math.min(2, 0.5 + Math.log10(1 + messages) / 3);
  context.beginPath();
  context.moveTo(x(frame, from), rowTop(frame, sender) + rowHeight / 2);
  context.lineTo(x(frame, to), rowTop(frame, receiver) + rowHeight / 2);
  context.stroke();
}

const stepOf = (span: number): number => (span <= 15 ? 1 : span <= 30 ? 2 : span <= 60 ? 5 : 10);

/** Behind everything. */
function drawAxis(frame: Frame): void {
  const { context, height, from, to } = frame;
  const span = (to - from) / 1000;
  context.fillStyle = themeColour('grid');
  for (let ago = stepOf(span); ago < span; ago += stepOf(span)) context.fillRect(x(frame, to - ago * 1000), axisHeight - 5, 1, height);
}

/** Above what scrolls. */
function drawTimes(frame: Frame): void {
  const { context, gutter, width, from, to } = frame;
  context.fillStyle = themeColour('surface');
  context.fillRect(0, 0, width, axisHeight - 1);
  const span = (to - from) / 1000;
  const step = stepOf(span);
  context.font = `11px ${themeColour('sans')}`;
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  context.fillStyle = themeColour('muted');
  for (let ago = step; ago < span; ago += step) {
    const at = x(frame, to - ago * 1000);
    if (at < gutter + 16 || at > width - 40 || (width < 600 && ago % (step * 2) !== 0)) continue;
    context.fillText(`−${ago} s`, at, axisHeight / 2);
  }
  context.textAlign = 'right';
  context.fillText('now', width - 4, axisHeight / 2);
  context.textAlign = 'left';
}
