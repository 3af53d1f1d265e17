/**
 * The pages of groups on this node: files beside the tasks' sockets, which tasks map
 * (libpvm/src/group/page.h). The registry says which there are; docs/protocols/groups.md why.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { groupPageMake, groupPageWithdraw } from '../native/index.js';
import { mpvm } from '../rpc/messages.js';

const { OPEN, WITHDRAW } = mpvm.node.GroupPageRequest.Verb;

export class GroupPages {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  handle({ verb, page, counts, tids }: mpvm.node.GroupPageRequest): mpvm.node.IGroupPageReply {
    const path = join(this.#directory, `g${page.toString(16)}`);
    if (verb === OPEN) {
      this.#open(path, page, counts, tids);
      return {};
    }
    if (verb === WITHDRAW) return withdraw(path);
    rmSync(path, { force: true });
    return {};
  }

  #open(path: string, page: number, counts: boolean, tids: number[]): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    rmSync(path, { force: true }); // of a registry that was killed before it told anybody of this page
    groupPageMake(path, page, counts, tids);
  }
}

function withdraw(path: string): mpvm.node.IGroupPageReply {
  try {
    return groupPageWithdraw(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
