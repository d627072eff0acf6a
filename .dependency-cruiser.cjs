/** The walls of docs/architecture.md. An import that crosses one fails `npm run lint`. */

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
