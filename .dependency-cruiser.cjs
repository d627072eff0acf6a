/** The walls of docs/architecture.md. An import that crosses one fails `npm run lint`. */

/**
 * Modules outside of host-daemon/system that touch files themselves, each with why: the files that it lays out are its own
 * format, and nobody else knows their names. Whatever two of them need belongs into host-daemon/system.
 */
const OWNERS_OF_FILES = [
  ['drivers/qemu/homes', 'homes and the notes beside them: how one is made, lent and removed'],
  ['drivers/qemu/boot-files', "a boot's folder: its pipes, links, owners and modes"],
  ['images/build-folder', "a builder's folder: its name says whose it is, and making it is the lock"],
  ['images/packages', 'the store of packages, by digest'],
  ['images/system-packages', "the package manager's empty state, for one question"],
  ['images/system-root', "what a system's root is put together from"],
  ['images/guest-files', "what a guest's root takes out of unpacked packages"],
  ['images/recipe', "a recipe's folder and its overlay"],
  ['images/root-disk', 'the disk image that a root becomes'],
  ['images/build-image', "an image's folder, from half-made to the one in use"],
]

const reasonsOf = (owners) =>
  `host-daemon/system alone touches files, but for ${owners.map(([module, why]) => `${module}: ${why}`).join('; ')}`
const pathsOf = (owners) => owners.map(([module]) => `^host-daemon/${module}\\.ts$`)

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'types may refer to each other',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: { pathNot: '^test' },
      to: { couldNotResolve: true, pathNot: '^(electron|virtual:)' },
    },
    {
      name: 'shared-is-pure',
      comment: 'src-shared imports zod and the contract library alone',
      severity: 'error',
      from: { path: '^src-shared' },
      to: { pathNot: '^src-shared|(^|/)node_modules/(zod|@orpc/(contract|client|shared))/' },
    },
    {
      name: 'shared-has-no-node',
      severity: 'error',
      from: { path: '^src-shared' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'renderer-stands-alone',
      comment: 'the renderer knows src-shared only, and no Node',
      severity: 'error',
      from: { path: '^src-renderer' },
      to: { path: '^(src-main|host-daemon|test|scripts)' },
    },
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      from: { path: '^src-renderer' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'main-stands-alone',
      severity: 'error',
      from: { path: '^src-main' },
      to: { path: '^(src-renderer|host-daemon|test|scripts)' },
    },
    {
      name: 'daemon-stands-alone',
      severity: 'error',
      from: { path: '^host-daemon' },
      to: { path: '^(src-renderer|src-main|test|scripts)' },
    },
    {
      name: 'features-do-not-import-each-other',
      severity: 'error',
      from: { path: '^src-renderer/features/([^/]+)/' },
      to: { path: '^src-renderer/features/', pathNot: '^src-renderer/features/$1/' },
    },
    {
      name: 'ui-knows-no-feature',
      severity: 'error',
      from: { path: '^src-renderer/(ui|stores)/' },
      to: { path: '^src-renderer/features/' },
    },
    {
      name: 'system-alone-touches-processes',
      severity: 'error',
      from: { path: '^host-daemon', pathNot: '^host-daemon/system/' },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'system-alone-touches-files',
      comment: reasonsOf(OWNERS_OF_FILES),
      severity: 'error',
      from: { path: '^host-daemon', pathNot: ['^host-daemon/system/', ...pathsOf(OWNERS_OF_FILES)] },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
    {
      name: 'drivers-are-chosen-in-the-composition-root',
      severity: 'error',
      from: { path: '^host-daemon', pathNot: '^host-daemon/(index\\.ts|cli|drivers|images)' },
      to: { path: '^host-daemon/drivers/(qemu|incus)/' },
    },
    {
      name: 'environments-do-not-know-backups',
      severity: 'error',
      from: { path: '^host-daemon/environments' },
      to: { path: '^host-daemon/(backups|api|server)' },
    },
    {
      name: 'only-the-shell-knows-the-shell',
      severity: 'error',
      from: { path: '^src-main', pathNot: '^src-main/shell/' },
      to: { path: '^src-main/shell/|(^|/)node_modules/electron/|^electron$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)out/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.vue', '.mjs', '.js', '.cjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
}
