/** The daemon cannot start, and why, in one sentence for whoever starts it. No stack is of use to them. */
export class StartRefusal extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'StartRefusal'
  }
}
