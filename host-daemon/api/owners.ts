import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function ownerHandlers(base: Base, { owners }: Services) {
  return {
    list: base.owners.list.handler(() => owners.list()),
    put: base.owners.put.handler(({ context, input }) => owners.put(input, context)),
  }
}
