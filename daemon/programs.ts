/** Starting programs (criu, mpvm-nest) by execa. It is loaded with the first of them: most daemons start none, and to load it is a fifth of their own start. */
export const programs = (): Promise<typeof import('execa')> => import('execa');
