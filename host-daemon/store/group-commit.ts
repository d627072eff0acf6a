type Work = () => unknown

/** Works of one commit: so many take a few milliseconds, in which nothing else of the daemon runs. */
const MOST_TOGETHER = 64

export interface GroupCommitDeps {
  /** Runs a work as a transaction of its own, durable when it returns; all or nothing. */
  readonly commit: (work: Work) => unknown
  /** Runs a work as a part of the running transaction; where it throws, that part is undone. */
  readonly attempt: (work: Work) => unknown
  /** False once an error has undone the running transaction as a whole. */
  readonly isInTransaction: () => boolean
}

interface Member {
  readonly work: Work
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers what is asked for in one turn of the event loop into one commit, or into a few where it is very much. Nobody is
 * answered before it is durable, and nothing else runs between the beginning and the end of a commit.
 */
export class GroupCommit {
  private readonly deps: GroupCommitDeps
  private readonly waiting: Member[] = []

  constructor(deps: GroupCommitDeps) {
    this.deps = deps
  }

  /** Rejects with what the work throws, or with why it could not be committed; then nothing of it is there. */
  add<T>(work: () => T): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.push({ work, resolve, reject })
      if (this.waiting.length === 1) this.flushSoon()
    }) as Promise<T>
  }

  private flushSoon(): void {
    setImmediate(() => this.flush())
  }

  private flush(): void {
    const members = this.waiting.splice(0, MOST_TOGETHER)
    if (this.waiting.length > 0) this.flushSoon()
    const [only] = members
    if (members.length === 1 && only !== undefined) this.commitAlone(only)
    else this.commitTogether(members)
  }

  private commitTogether(members: readonly Member[]): void {
    const answers: (() => void)[] = []
    let hasBegun = false as boolean
    try {
      this.deps.commit(() => {
        hasBegun = true
        for (const member of members) answers.push(this.attempt(member))
      })
    } catch (error) {
      // Nobody is to fail for what another one did. What could not even begin could not for any one of them.
      for (const member of members) {
        if (hasBegun) this.commitAlone(member)
        else member.reject(error)
      }
      return
    }
    for (const answer of answers) answer()
  }

  /** The answer to be given once everything is durable. Throws where the transaction as a whole is undone. */
  private attempt({ work, resolve, reject }: Member): () => void {
    try {
      const result = this.deps.attempt(work)
      return () => resolve(result)
    } catch (error) {
      if (!this.deps.isInTransaction()) throw error
      return () => reject(error)
    }
  }

  private commitAlone({ work, resolve, reject }: Member): void {
    try {
      resolve(this.deps.commit(work))
    } catch (error) {
      reject(error)
    }
  }
}
