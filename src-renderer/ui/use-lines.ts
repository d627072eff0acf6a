import { nextTick, type Ref } from 'vue'
import { lineAfter, type Line } from '../lib/line-fields.ts'

interface Editor<Content> {
  /** Holds the lines in their order; the first field of each has `data-part=key`. */
  readonly list: Readonly<Ref<HTMLElement | null>>
  readonly empty: () => Content
}

/** Adds and removes lines of an editor that always has one; the focus stays where the typing goes on. */
export function useLines<Content extends object>(
  lines: Ref<(Content & Line)[]>,
  { list, empty }: Editor<Content>,
): { add: () => void; remove: (index: number) => void } {
  async function focusLine(index: number): Promise<void> {
    await nextTick()
    list.value?.querySelectorAll<HTMLElement>('[data-part=key]')[index]?.focus()
  }

  function add(): void {
    lines.value.push(lineAfter(lines.value, empty()))
    void focusLine(lines.value.length - 1)
  }

  function remove(index: number): void {
    lines.value.splice(index, 1)
    if (lines.value.length === 0) lines.value.push(lineAfter([], empty()))
    void focusLine(Math.min(index, lines.value.length - 1))
  }

  return { add, remove }
}
