/**
 * The registry's side of pages: opening one on a node, and withdrawing it from all that have it.
 * A node that does not answer is asked until it does or has been declared dead: only then is it sure
 * that nobody there goes by the page any more.
 */
import { asMpvmError, MpvmError } from '../errors.js';
import type { Logger } from '../log.js';
import { mpvm } from '../rpc/messages.js';

type Request = mpvm.node.IGroupPageRequest;
type Reply = mpvm.node.IGroupPageReply;

const { OPEN, WITHDRAW, DROP } = mpvm.node.GroupPageRequest.Verb;
const onceMs = 2000;
const pauseMs = 50;

/** What groups ask of nodes. */
export interface Holders {
  /** Where a task is now. */
  nodeOf(tid: number): string;
  alive(node: string): boolean;
  call(node: string, request: Request, options: { timeoutMs: number }): Promise<Reply>;
}
/** A barrier that had begun on a page and was not let go. */
export interface Interrupted {
  /** 0: none had. */
  count: number;
  tids: number[];
  /** Nodes that are dead: what their pages said is not known. */
  lost: string[];
}

export class PageHolders {
  readonly #holders: Holders;
  readonly #log: Logger;
  #closed = false;

  constructor(holders: Holders, log: Logger) {
    this.#holders = holders;
    this.#log = log;
  }

  close(): void {
    this.#closed = true;
  }

  nodeOf(tid: number): string {
    return this.#holders.nodeOf(tid);
  }

  /** The node that all of them are on. */
  commonNode(tids: readonly number[]): string | undefined {
    const nodes = new Set(tids.map((tid) => this.#holders.nodeOf(tid)));
    const [node] = nodes;
    return nodes.size === 1 && node !== '' ? node : undefined;
  }

  /** False when it could not be opened there. */
  async open(node: string, page: number, counts: boolean, tids: number[]): Promise<boolean> {
    try {
      await this.#holders.call(node, { verb: OPEN, page, counts, tids }, { timeoutMs: onceMs });
      return true;
    } catch (error) {
      this.#log.warn({ member: node, page, cause: asMpvmError(error).message }, 'page of a group not opened');
      return false;
    }
  }

  /** When it resolves nobody goes by the page any more. */
  async withdraw(nodes: readonly string[], page: number): Promise<Interrupted> {
    const replies = await Promise.all(nodes.map((node) => this.#insist(node, page)));
    const counts = replies.map((reply) => reply?.count ?? 0);
    return { count: Math.max(0, ...counts), tids: replies.flatMap((reply) => reply?.waiting ?? []), lost: nodes.filter((_, at) => !replies[at]) };
  }

  /** What was withdrawn is written down: the files can go. */
  drop(nodes: readonly string[], page: number): void {
    for (const node of nodes) {
      if (this.#holders.alive(node)) this.#holders.call(node, { verb: DROP, page }, { timeoutMs: onceMs }).catch((error: unknown) => this.#log.debug({ member: node, page, cause: asMpvmError(error).message }, 'page of a group not dropped'));
    }
  }

  /** Undefined: the node is dead. */
  async #insist(node: string, page: number): Promise<Reply | undefined> {
    for (;;) {
      if (this.#closed) throw new MpvmError('SHUTTING_DOWN', { node: 'of the registry' });
      if (!this.#holders.alive(node)) return undefined;
      try {
        return await this.#holders.call(node, { verb: WITHDRAW, page }, { timeoutMs: onceMs });
      } catch (error) {
        this.#log.debug({ member: node, page, cause: asMpvmError(error).message }, 'page of a group not withdrawn yet');
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
