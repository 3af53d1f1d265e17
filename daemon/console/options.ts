/**
 * pvm_setopt and pvm_getopt of the console's own task: what may be set, and to what. Some of them
 * tell its jobs how to be traced and shown; most are kept because scripts set and read them.
 */
import { code } from './pvm.js';

interface Option {
  readonly name: string;
  value: number;
  readonly least?: number;
  readonly most?: number;
  readonly fixed?: boolean;
}

/** PvmDontRoute to PvmRouteDirect; PvmTraceFull to PvmTraceCount. */
const initial: readonly Option[] = [
  { name: 'PvmRoute', value: 1, least: 1, most: 3 },
  { name: 'PvmDebugMask', value: 0 },
  { name: 'PvmAutoErr', value: 1 },
  { name: 'PvmOutputTid', value: -1 },
  { name: 'PvmOutputCode', value: 0 },
  { name: 'PvmTraceTid', value: -1 },
  { name: 'PvmTraceCode', value: 0 },
  { name: 'PvmTraceBuffer', value: 0 },
  { name: 'PvmTraceOptions', value: 1, least: 1, most: 3 },
  { name: 'PvmFragSize', value: 4080, least: 52, most: 1 << 20 },
  { name: 'PvmResvTids', value: 1 },
  { name: 'PvmSelfOutputTid', value: -1 },
  { name: 'PvmSelfOutputCode', value: 0 },
  { name: 'PvmSelfTraceTid', value: -1 },
  { name: 'PvmSelfTraceCode', value: 0 },
  { name: 'PvmSelfTraceBuffer', value: 0 },
  { name: 'PvmSelfTraceOptions', value: 0, least: 0, most: 3 },
  { name: 'PvmShowTids', value: 1 },
  { name: 'PvmOutputContext', value: 0 },
  { name: 'PvmTraceContext', value: 0 },
  { name: 'PvmSelfOutputContext', value: 0, fixed: true },
  { name: 'PvmSelfTraceContext', value: 0, fixed: true },
  { name: 'PvmNoReset', value: 1 },
];

export type OptionName = 'PvmAutoErr' | 'PvmTraceBuffer' | 'PvmTraceOptions' | 'PvmShowTids' | 'PvmNoReset';

/** Where output and traces go: three options for what this task's children are given, three for itself. */
const streamOption = /^Pvm(Self)?(Output|Trace)(Tid|Code|Context)$/;

export class Options {
  readonly #options = new Map(initial.map((option) => [option.name, { ...option }]));
  readonly #own: number;

  /** `own`: the console's tid. */
  constructor(own: number) {
    this.#own = own;
  }

  names(): string[] {
    return [...this.#options.keys()];
  }
  /** Undefined: there is no such option. */
  get(name: string): number | undefined {
    return this.#options.get(name)?.value;
  }
  value(name: OptionName): number {
    return this.#options.get(name)!.value;
  }

  /** The value before, or a PVM error; undefined: there is no such option. */
  set(name: string, value: number): { old: number } | { error: number } | undefined {
    const option = this.#options.get(name);
    if (!option) return undefined;
    if (option.fixed) return { error: code.NotImpl };
    if (value < (option.least ?? -Infinity) || value > (option.most ?? Infinity)) return { error: code.BadParam };
    const old = option.value;
    const [, self, stream, part] = streamOption.exec(name) ?? [];
    if (stream === undefined || part === undefined) option.value = value;
    else if (self !== undefined) this.#setSelf(stream, part, value);
    else if (!this.#setChildren(stream, part, value)) return { error: code.BadParam };
    return { old };
  }

  #change(name: string, value: number): void {
    this.#options.get(name)!.value = value;
  }

  /** What this task was given goes to its children as it is, until they are given something else. */
  #setSelf(stream: string, part: string, value: number): void {
    const self = (which: string): number => this.get(`PvmSelf${stream}${which}`)!;
    if (part === 'Code' && self('Tid') <= 0) return;
    this.#change(`PvmSelf${stream}${part}`, value);
    if (part === 'Code' && this.get(`Pvm${stream}Tid`) !== self('Tid')) return;
    for (const which of ['Tid', 'Code', 'Context']) this.#change(`Pvm${stream}${which}`, self(which));
  }

  /** To this task itself (0), to whom it was given, or not at all; the rest only where it was not given. */
  #setChildren(stream: string, part: string, value: number): boolean {
    const given = this.get(`PvmSelf${stream}Tid`)!;
    const tid = this.get(`Pvm${stream}Tid`)!;
    if (part !== 'Tid') {
      if (tid > 0 && tid !== this.#own) return false;
      this.#change(`Pvm${stream}${part}`, value);
      return true;
    }
    if (value !== 0 && value !== this.#own && value !== given) return false;
    this.#change(`Pvm${stream}Tid`, value === 0 ? this.#own : value);
    return true;
  }
}
