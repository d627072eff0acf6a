/** A copy of `object` that lacks `keys`. Made without deleting: an object that a key was deleted from is slow for good. */
export function without<T extends object, K extends keyof T>(object: T, keys: readonly K[]): Omit<T, K> {
  const left: readonly PropertyKey[] = keys
  const copy: Partial<T> = {}
  for (const key of Object.keys(object) as (keyof T & string)[]) if (!left.includes(key)) copy[key] = object[key]
  return copy as Omit<T, K>
}
