/** The last part of a path in a point. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
