const LOWEST_MAJOR = 22

/** Older runtimes do not fail, they crash without a word (better-sqlite3) or die late (vitest). */
const major = Number(process.versions.node.split('.')[0])
if (major < LOWEST_MAJOR) {
  process.stderr.write(
    `This needs Node ${LOWEST_MAJOR} or newer, and this is Node ${process.versions.node}. ` +
      'Start it with an npm script, or with node_modules/.bin/node.\n',
  )
  process.exit(1)
}
