/** Copying, also where the page is not trusted with a clipboard. */

/** False when the browser will not; the person has to select and copy by hand then. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

/** Without https there is no clipboard object; the old way still works. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  // what lies under the topmost dialog cannot be selected
  const parent = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
  parent.append(area)
  area.select()
  let done = false
  try {
    done = document.execCommand('copy')
  } catch {
    // some webviews have neither way
  }
  area.remove()
  return done
}
