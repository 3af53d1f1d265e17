/**
 * What all processors of a VM can do: a task that is started to use no more than that can go anywhere.
 * Pure: features by their names in /proc/cpuinfo in, variables of an environment out.
 *
 * glibc chooses its routines, and libraries of glibc-hwcaps, by what GLIBC_TUNABLES leaves; OpenBLAS and
 * MKL have variables of their own. A program that asks the processor itself (CPUID, also through
 * __builtin_cpu_supports) is not bound by any of them.
 */
import type { mpvm } from '../rpc/messages.js';

type NodeInfo = Pick<mpvm.node.INodeInfo, 'name' | 'cpuFeatures'>;
type Environment = Record<string, string | undefined>;

/** Asks for the baseline, in the environment of a task; its children inherit it where PVM_EXPORT says so. */
export const wantsBaseline = 'MPVM_CPU_BASELINE';
/** Tells whoever judges a move what the task was started to use, in its environment for life. */
export const boundTo = 'MPVM_CPU_FEATURES';

/** Names of glibc.cpu.hwcaps that are not the kernel's in capitals. */
const glibcNames: Readonly<Record<string, string>> = { pni: 'SSE3', abm: 'LZCNT' };
const knownToGlibc = /^(SSE3|SSSE3|SSE4_[12]|AVX|AVX2|AVX512(F|VL|BW|CD|DQ|ER|PF)|BMI[12]|ERMS|FMA|FMA4|FSRM|LZCNT|MOVBE|POPCNT|RTM|XSAVE|XSAVEC)$/;

/** Sorted. Empty when no node has said what it can do. */
export function commonFeatures(nodes: readonly NodeInfo[]): string[] {
  const [first, ...rest] = nodes.map(({ cpuFeatures }) => cpuFeatures ?? []).filter((features) => features.length > 0);
  if (first === undefined) return [];
  const others = rest.map((features) => new Set(features));
  return first.filter((feature) => others.every((features) => features.has(feature))).sort();
}

/** Features that some node has and this one lacks, by node; nodes that lack none are left out. */
export function lacking(nodes: readonly NodeInfo[]): { node: string; lacks: string[] }[] {
  const told = nodes.filter(({ cpuFeatures }) => (cpuFeatures ?? []).length > 0);
  const all = [...new Set(told.flatMap(({ cpuFeatures }) => cpuFeatures ?? []))].sort();
  return told
    .map(({ name, cpuFeatures }) => ({ node: name ?? '', lacks: all.filter((feature) => !(cpuFeatures ?? []).includes(feature)) }))
    .filter(({ lacks }) => lacks.length > 0);
}

/** The environment with which a task on a node of these features uses the common ones only. */
export function bindTo(environment: Environment, common: readonly string[], here: readonly string[]): Environment {
  const has = new Set(common);
  const off = here.filter((feature) => !has.has(feature)).map(glibcName).filter((name) => knownToGlibc.test(name));
  const tunables = [environment['GLIBC_TUNABLES'], off.length > 0 ? `glibc.cpu.hwcaps=${off.map((name) => `-${name}`).join(',')}` : undefined];
  const result: Environment = { ...environment, [boundTo]: common.join(' ') };
  if (off.length === 0) return result;
  result['GLIBC_TUNABLES'] = tunables.filter((entry) => entry !== undefined && entry !== '').join(':');
  result['OPENBLAS_CORETYPE'] ??= has.has('avx512f') ? 'SkylakeX' : has.has('avx2') ? 'Haswell' : has.has('avx') ? 'Sandybridge' : 'Nehalem';
  result['MKL_ENABLE_INSTRUCTIONS'] ??= has.has('avx512f') ? 'AVX512' : has.has('avx2') ? 'AVX2' : has.has('avx') ? 'AVX' : 'SSE4_2';
  return result;
}

const glibcName = (feature: string): string => glibcNames[feature] ?? feature.toUpperCase();
