/** Something that holds a resource until `dispose` is called. `dispose` is idempotent and never throws. */
export interface Disposable {
  dispose(): void
}

/**
 * Collects disposals on the lines that create them and runs them once, newest first.
 * A thing added after `dispose` is disposed at once, so that a late arrival cannot leak.
 */
export class DisposableStore implements Disposable {
  private readonly items: Disposable[] = []
  private disposed = false

  get isDisposed(): boolean {
    return this.disposed
  }

  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose()
    else this.items.push(item)
    return item
  }

  /** Registers a plain function as the disposal. */
  defer(dispose: () => void): void {
    this.add({ dispose })
  }

  dispose(): void {
    if (this.disposed) return
    this.disposed = true
    for (const item of this.items.splice(0).reverse()) item.dispose()
  }
}
