/** RFC 3986, appendix B: takes any text apart into scheme, authority, path, query, fragment. */
const components = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/

const pathCharacters = /^(?:[\w.~!$&'()*+,;=:@/-]|%[\dA-Fa-f]{2})*$/
const queryCharacters = /^(?:[\w.~!$&'()*+,;=:@/?-]|%[\dA-Fa-f]{2})*$/
const schemeForm = /^[A-Za-z][A-Za-z\d+.-]*$/
const authorityForm =
  /^(?:(?:[\w.~!$&'()*+,;=:-]|%[\dA-Fa-f]{2})*@)?(?:\[[\w.~!$&'()*+,;=:-]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})*)(?::\d*)?$/

/** Whether `text` is a URI-reference (RFC 3986, section 4.1). What stands in an address's brackets is not checked. */
export function isUriReference(text: string): boolean {
  const match = components.exec(text)
  if (match === null) return false
  const [, scheme, authority, path = '', query = '', fragment = ''] = match
  if (scheme !== undefined && !schemeForm.test(scheme)) return false
  if (authority !== undefined && !authorityForm.test(authority)) return false
  // A first segment with a colon would read as a scheme (section 4.2), two slashes as an authority.
  if (scheme === undefined && authority === undefined && /^[^/]*:/.test(path)) return false
  return pathCharacters.test(path) && queryCharacters.test(query) && queryCharacters.test(fragment)
}

/** Whether `text` is a URI: a reference that names its scheme. */
export function isUri(text: string): boolean {
  return /^[A-Za-z][A-Za-z\d+.-]*:/.test(text) && isUriReference(text)
}
