/** One of several lines that are edited together. `id` only tells them apart. */
export interface Line {
  readonly id: number
}

/** `content` as a line that can be told from all of `lines`. */
export function lineAfter<Content extends object>(lines: readonly Line[], content: Content): Content & Line {
  return { ...content, id: 1 + Math.max(0, ...lines.map(({ id }) => id)) }
}
