import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function imageHandlers(base: Base, { images }: Services) {
  return { list: base.images.list.handler(() => images.list()) }
}
