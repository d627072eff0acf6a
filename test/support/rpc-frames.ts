import type { Page } from 'playwright'

interface Message {
  /** The same in a question and in everything that answers it. */
  readonly i?: string
}

/** What a window of the web shell asked its bridge and was told, in order. */
export interface RpcFrames {
  /** Ids of the questions that were asked up to now. */
  asked(): ReadonlySet<string>
  /** The id of the question that was first answered with something that `isIt` knows; undefined where none was. */
  answering(isIt: (text: string) => boolean): string | undefined
}

/** Listens to the sockets that the page opens from now on; consoles' own are left out. */
export function listenToRpc(page: Page): RpcFrames {
  const asked = new Set<string>()
  const told: { readonly id: string; readonly text: string }[] = []
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).pathname.startsWith('/console')) return
    socket.on('framesent', ({ payload }) => {
      const id = idOf(payload.toString())
      if (id !== undefined) asked.add(id)
    })
    socket.on('framereceived', ({ payload }) => {
      const text = payload.toString()
      const id = idOf(text)
      if (id !== undefined) told.push({ id, text })
    })
  })
  return {
    asked: () => new Set(asked),
    answering: (isIt) => told.find(({ text }) => isIt(text))?.id,
  }
}

function idOf(text: string): string | undefined {
  return text.startsWith('{') ? (JSON.parse(text) as Message).i : undefined
}
