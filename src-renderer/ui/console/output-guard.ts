import type { IDisposable, IParser } from '@xterm/xterm'

/** What hostile or careless output asked for and did not get. */
export const DROP_KINDS = {
  reply: 'answers to the guest',
  clipboard: 'clipboard accesses',
  title: 'title changes',
  link: 'links other than http and https',
  report: 'focus reports',
} as const
export type DropKind = keyof typeof DROP_KINDS

/** A plain web address, or null. Nothing else is ever a link. */
export function webAddressOf(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url.href : null
}

const FOCUS_REPORTS = 1004

/**
 * Makes a terminal deaf to every sequence that would let the guest act on the person in front of it: answer-back
 * (bytes typed on their behalf), clipboard, titles and window operations, and links that are not plain web
 * addresses. What is dropped is counted, except window operations, which xterm refuses by itself before any handler.
 * It does not guard against what the text itself says.
 */
export function guardOutput(parser: IParser, onDrop: (kind: DropKind) => void): IDisposable {
  const guards: IDisposable[] = []
  const dropped = (kind: DropKind) => (): boolean => {
    onDrop(kind)
    return true
  }
  const csi = (id: { prefix?: string; intermediates?: string; final: string }, kind: DropKind): void => {
    guards.push(parser.registerCsiHandler(id, dropped(kind)))
  }

  // Device attributes, status and mode reports, terminal parameters, version: all would type an answer.
  for (const prefix of ['', '>', '=']) csi({ ...prefixed(prefix), final: 'c' }, 'reply')
  for (const prefix of ['', '?']) csi({ ...prefixed(prefix), final: 'n' }, 'reply')
  for (const prefix of ['', '?']) csi({ ...prefixed(prefix), intermediates: '$', final: 'p' }, 'reply')
  csi({ final: 'x' }, 'reply')
  csi({ prefix: '>', final: 'q' }, 'reply')
  csi({ prefix: '?', final: 'u' }, 'reply')
  csi({ prefix: '?', final: 'S' }, 'reply')
  guards.push(parser.registerEscHandler({ final: 'Z' }, dropped('reply')))
  guards.push(parser.registerDcsHandler({ intermediates: '$', final: 'q' }, dropped('reply')))
  guards.push(parser.registerDcsHandler({ intermediates: '+', final: 'q' }, dropped('reply')))

  for (const code of [0, 1, 2, 7, 9, 777, 1337]) guards.push(parser.registerOscHandler(code, dropped('title')))
  guards.push(parser.registerOscHandler(52, dropped('clipboard')))
  for (const code of [4, 5, 10, 11, 12, 13, 14, 17, 19]) {
    guards.push(parser.registerOscHandler(code, (data) => data.includes('?') && dropped('reply')()))
  }
  guards.push(
    parser.registerOscHandler(8, (data) => {
      const address = data.slice(data.indexOf(';') + 1)
      return address !== '' && webAddressOf(address) === null && dropped('link')()
    }),
  )
  guards.push(
    parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => {
      return params.includes(FOCUS_REPORTS) && dropped('report')()
    }),
  )
  return { dispose: () => guards.splice(0).forEach((guard) => guard.dispose()) }
}

function prefixed(prefix: string): { prefix?: string } {
  return prefix === '' ? {} : { prefix }
}
