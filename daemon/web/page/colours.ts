/** Each node has a colour, in tables and in the diagram. Names are always there as well: no colour says anything alone. */
import { byName } from '../../shared/format.js';

/** Hues that are told apart well, also by most who see colours differently; then the golden angle. */
const hues = [255, 55, 160, 320, 95, 210, 20, 285, 130, 350];
const goldenAngle = 137.5;

const indices = new Map<string, number>();

/** Nodes that are known from the beginning have colours in the order of their names; later ones in the order they come. */
export function knowNodes(names: readonly string[]): void {
  for (const name of [...names].sort(byName)) if (!indices.has(name)) indices.set(name, indices.size);
}

export const darkScheme = matchMedia('(prefers-color-scheme: dark)');

export function nodeColour(name: string, alpha = 1): string {
  const index = indices.get(name);
  const [lightness, chroma] = darkScheme.matches ? [0.74, 0.13] : [0.58, 0.15];
  if (index === undefined) return `oklch(${lightness} 0 0 / ${alpha})`;
  const hue = hues[index] ?? (index * goldenAngle) % 360;
  // Round the circle again: the hues lie closer, so that lightness helps.
  const step = Math.floor(index / hues.length) % 3;
  return `oklch(${lightness - [0, 0.1, -0.08][step]!} ${chroma} ${hue} / ${alpha})`;
}

const theme = new Map<string, string>();
darkScheme.addEventListener('change', () => theme.clear());

/** A colour or a font that the style sheet names. */
export function themeColour(name: string): string {
  const known = theme.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  theme.set(name, known);
  return known;
}
