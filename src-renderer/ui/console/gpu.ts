const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render|virgl/i

let known: boolean | undefined

/** True only where a real GPU draws; a software one makes the terminal several times slower than the DOM does. Asked once. */
export function hasRealGpu(): boolean {
  return (known ??= findRealGpu())
}

function findRealGpu(): boolean {
  const context = document.createElement('canvas').getContext('webgl2')
  if (context === null) return false
  const info = context.getExtension('WEBGL_debug_renderer_info')
  if (info === null) return false
  const renderer: unknown = context.getParameter(info.UNMASKED_RENDERER_WEBGL)
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return typeof renderer === 'string' && renderer !== '' && !SOFTWARE.test(renderer)
}
