/**
 * An iterator over what `make` generates, that ends at once when the consumer returns or any signal is aborted, even
 * while a value is being waited for. The generator is given a signal that says so.
 */
export function endable<T>(
  make: (ended: AbortSignal) => AsyncGenerator<T, void>,
  signals: readonly AbortSignal[],
): AsyncGenerator<T, void> {
  const returned = new AbortController()
  const ended = AbortSignal.any([...signals, returned.signal])
  const isEnded = () => ended.aborted
  const source = make(ended)
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    returned.abort()
    await source.return()
    return { done: true, value: undefined }
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: async () => {
      if (isEnded()) return end()
      const result = await source.next()
      return isEnded() ? end() : result
    },
    return: end,
    throw: async (error: unknown) => {
      await end()
      throw error
    },
    [Symbol.asyncDispose]: async () => {
      await end()
    },
  }
}
