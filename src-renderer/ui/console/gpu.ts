const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render|virgl/i

/** True only where a real GPU draws; a software one makes the terminal several times slower than the DOM does. */
export function hasRealGpu(): boolean {
  const context = document.createElement('canvas').getContext('webgl2')
  const info = context?.getExtension('WEBGL_debug_renderer_info')
  if (context == null || info == null) return false
  const renderer: unknown = context.getParameter(info.UNMASKED_RENDERER_WEBGL)
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return typeof renderer === 'string' && renderer !== '' && !SOFTWARE.test(renderer)
}
