import manifest from '../../package.json' with { type: 'json' }

/** The product's version, the same in every part. */
export const VERSION: string = manifest.version
