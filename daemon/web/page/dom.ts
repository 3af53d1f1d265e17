/** The little that is needed to make a page and keep it current: no markup from text, ever. */

type Child = Node | string | undefined;
type Properties = Record<string, string | boolean | ((event: Event) => void) | undefined>;

/** An element. Of the properties, functions are listeners ("click"), the rest attributes; false and undefined are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const svgSpace = 'http://www.w3.org/2000/svg';
export function svg(tag: string, attributes: Record<string, string> = {}): SVGElement {
  const element = document.createElementNS(svgSpace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** The element of the page with this id; the page is ours, so it is there. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
export const inputById = (id: string): HTMLInputElement => byId(id) as HTMLInputElement;
export const selectById = (id: string): HTMLSelectElement => byId(id) as HTMLSelectElement;

/** Changes only what is different: what has not changed keeps focus, selection and the screen reader's place. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export interface Row<T> {
  element: HTMLElement;
  /** Belongs to it and follows it. */
  below?: HTMLElement;
  update(item: T): void;
}

/** Children of an element, one for each item, known by its key: those that stay are the same elements. */
export class Rows<T> {
  readonly #parent: HTMLElement;
  readonly #key: (item: T) => string;
  readonly #create: (item: T) => Row<T>;
  readonly #rows = new Map<string, Row<T>>();

  constructor(parent: HTMLElement, key: (item: T) => string, create: (item: T) => Row<T>) {
    this.#parent = parent;
    this.#key = key;
    this.#create = create;
  }

  show(items: readonly T[]): void {
    const wanted = new Set(items.map(this.#key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      row.below?.remove();
      this.#rows.delete(key);
    }
    let place = this.#parent.firstElementChild;
    for (const item of items) {
      const key = this.#key(item);
      const row = this.#rows.get(key) ?? this.#create(item);
      this.#rows.set(key, row);
      row.update(item);
      for (const element of row.below ? [row.element, row.below] : [row.element]) {
        if (element === place) place = place.nextElementSibling;
        else this.#parent.insertBefore(element, place);
      }
    }
  }
}
