/** Things to undo, newest first, once; a failure of one does not keep the others from being undone. */
export class Teardown {
  private readonly steps: { readonly what: string; readonly undo: () => Promise<void> }[] = []

  defer(what: string, undo: () => Promise<void>): void {
    this.steps.push({ what, undo })
  }

  /** Resolves with one sentence for each step that failed. */
  async run(): Promise<string[]> {
    const problems: string[] = []
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step.undo()
      } catch (error) {
        problems.push(`${step.what}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return problems
  }
}
