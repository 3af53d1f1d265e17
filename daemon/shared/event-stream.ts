/** text/event-stream, as far as it is used here: an event's name and one JSON value. */

export interface StreamEvent {
  event: string;
  data: unknown;
}

export function encodeEvent({ event, data }: StreamEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A line that says nothing, so that a link that has died is noticed. */
export const heartbeat = ':\n\n';

/** Takes the text as it comes, in pieces of any length. */
export class EventDecoder {
  #rest = '';

  /** The events that are complete now. Throws SyntaxError for data that is no JSON. */
  take(text: string): StreamEvent[] {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const field = (name: string): string | undefined => block.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      return data === undefined ? [] : [{ event: field('event') ?? 'message', data: JSON.parse(data) as unknown }];
    });
  }
}
