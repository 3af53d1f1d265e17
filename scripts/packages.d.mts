export function ensure(packages: string[], options: { required: boolean; log: (line: string) => void }): Promise<string[]>;
export function missing(packages: string[]): string[];
