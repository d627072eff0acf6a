type Undo = () => Promise<void> | void

/** What was started, ended in reverse: each whatever became of the ones before it. */
export class UndoStack {
  private readonly undos: Undo[] = []

  push(undo: Undo): void {
    this.undos.push(undo)
  }

  /** Throws the first of what went wrong, after all have been tried. */
  async run(): Promise<void> {
    const failures: unknown[] = []
    for (let undo = this.undos.pop(); undo !== undefined; undo = this.undos.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
