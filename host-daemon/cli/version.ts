import manifest from '../../package.json' with { type: 'json' }

/** The daemon's version: the package's. */
export const VERSION: string = manifest.version
