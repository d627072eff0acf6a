interface Remembered<Key> {
  keys(): Iterable<Key>
  delete(key: Key): boolean
}

/** Lets go of whatever a map or a set remembers of what is no more. */
export function keepOnly<Key>(remembered: Remembered<Key>, isThere: (key: Key) => boolean): void {
  for (const key of remembered.keys()) if (!isThere(key)) remembered.delete(key)
}
