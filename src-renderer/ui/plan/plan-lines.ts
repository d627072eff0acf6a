import type { Plan } from '../../../src-shared/model/plan.ts'

/** Lines of the plan that belong together. */
export interface PlanBlock {
  readonly kind: 'said' | 'lost' | 'kept'
  readonly lines: readonly string[]
}

/**
 * The plan's own text, every line of it in its own order, told apart into what is said, lost and kept. A loss or a
 * keep that the text does not have follows behind it, so that nothing of the plan is left out.
 */
export function planBlocks({ text, losses, keeps }: Plan): PlanBlock[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const missing = [...losses, ...keeps].filter((line) => !lines.includes(line))
  const kindOf = (line: string) => (losses.includes(line) ? 'lost' : keeps.includes(line) ? 'kept' : 'said')
  const blocks: { kind: PlanBlock['kind']; lines: string[] }[] = []
  for (const line of [...lines, ...missing]) {
    const kind = kindOf(line)
    const last = blocks.at(-1)
    if (last?.kind === kind) last.lines.push(line)
    else blocks.push({ kind, lines: [line] })
  }
  return blocks
}
