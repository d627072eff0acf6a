import { FakeRepositories } from '../support/fake-point-repository.ts'
import { describeRepositories, type RepositoriesSubject } from './point-repository.ts'

describeRepositories('the fake repositories', { makeSubject, hasProcesses: false })

/** What tests of everything above repositories rely on must behave as repositories do. */
function makeSubject(): Promise<RepositoriesSubject> {
  const repositories = new FakeRepositories()
  return Promise.resolve({
    repositories,
    remove: (location) => Promise.resolve(void repositories.stores.delete(location)),
    damage: (location) => Promise.resolve(void (repositories.stores.get(location)!.isDamaged = true)),
    leaveDeadLock: (location) => Promise.resolve(void (repositories.stores.get(location)!.deadLocks += 1)),
    treeAt: (path) => Promise.resolve({ path, pathInside: path, within: ([file = '', ...args]) => [file, ...args] }),
    dispose: () => Promise.resolve(),
  })
}
