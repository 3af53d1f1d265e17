/** Which calls of libpvm the tasks of `spawn -@` report, and how: the mask that they inherit. Pure. */

/** PVM's numbers of events, by name without "pvm_". */
const numbered = [
  'addhosts', 'barrier', 'bcast', 'bufinfo', 'config', 'delete', 'delhosts', 'exit', 'freebuf', 'getfds', 'getinst', 'getopt', 'getrbuf',
  'getsbuf', 'gettid', 'gsize', 'halt', 'initsend', 'insert', 'joingroup', 'kill', 'lookup', 'lvgroup', 'mcast', 'mkbuf', 'mstat', 'mytid',
  'notify', 'nrecv', 'parent', 'perror', 'pkbyte', 'pkcplx', 'pkdcplx', 'pkdouble', 'pkfloat', 'pkint', 'pkuint', 'pklong', 'pkulong',
  'pkshort', 'pkushort', 'pkstr', 'probe', 'pstat', 'recv', 'recvf', 'send', 'sendsig', 'setopt', 'setrbuf', 'setsbuf', 'spawn',
  'start_pvmd', 'tasks', 'tickle', 'tidtohost', 'trecv', 'upkbyte', 'upkcplx', 'upkdcplx', 'upkdouble', 'upkfloat', 'upkint', 'upkuint',
  'upklong', 'upkulong', 'upkshort', 'upkushort', 'upkstr', 'version', 'reg_hoster', 'reg_rm', 'reg_tasker', 'reg_tracer', 'newtask',
  'endtask', 'spntask', 'archcode', 'catchout', 'getmwid', 'gettmask', 'hostsync', 'packf', 'precv', 'psend', 'reduce', 'setmwid',
  'settmask', 'unpackf', 'gather', 'scatter', 'putinfo', 'getinfo', 'delinfo', 'getmboxinfo', 'newcontext', 'freecontext', 'setcontext',
  'getcontext', 'siblings', 'getminfo', 'setminfo', 'addmhf', 'delmhf', 'mhf_invoke', 'timing', 'profiling', 'user_defined',
];
/** They cannot be chosen: daemons report them always, or programs for themselves. */
const notChosen = new Set(['newtask', 'endtask', 'spntask', 'timing', 'profiling']);
/** What XPVM draws. */
const xpvm = [
  'addmhf', 'barrier', 'bcast', 'delmhf', 'exit', 'joingroup', 'kill', 'lvgroup', 'mcast', 'mhf_invoke', 'mytid', 'nrecv', 'parent',
  'precv', 'probe', 'psend', 'recv', 'recvf', 'send', 'sendsig', 'siblings', 'spawn', 'trecv', 'user_defined',
];

const chosen = numbered.filter((name) => !notChosen.has(name)).sort();
/** TEV_MASK_LENGTH without the closing NUL: four events a character. */
const maskLength = 35;
const emptyCharacter = 0x40;

/** Values of PvmTraceOptions. */
export const traceOptions = ['', 'full', 'time', 'count'] as const;

export class TraceMask {
  readonly #on = new Set(xpvm);

  /** All that can be chosen, in the order of their names. */
  list(): { name: string; mark: boolean }[] {
    return chosen.map((name) => ({ name, mark: this.#on.has(name) }));
  }
  reset(): void {
    this.#on.clear();
    for (const name of xpvm) this.#on.add(name);
  }
  /** "*" means all. False: there is no such event. */
  set(event: string, on: boolean): boolean {
    const names = event === '*' ? chosen : [event.replace(/^pvm_/, '')];
    if (!names.every((name) => chosen.includes(name))) return false;
    for (const name of names) {
      if (on) this.#on.add(name);
      else this.#on.delete(name);
    }
    return true;
  }

  /** As tasks inherit it (PVMTMASK). */
  get mask(): string {
    const mask = new Uint8Array(maskLength).fill(emptyCharacter);
    for (const name of this.#on) {
      const event = numbered.indexOf(name);
      const at = event >> 2;
      mask[at] = (mask[at] ?? 0) | (1 << (event & 3));
    }
    return String.fromCharCode(...mask);
  }
}
