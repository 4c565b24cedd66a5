import '../shared/ui/base.css'
import { render } from 'preact'
import { Rest } from '../shared/client/rest'
import { codeIn, SignInPage } from './page'

const root = document.getElementById('app')
if (root !== null) {
  render(
    <SignInPage
      rest={new Rest()}
      code={codeIn(location.hash)}
      go={(path) => location.assign(path)}
    />,
    root,
  )
  // another link, opened in the same tab
  window.addEventListener('hashchange', () => location.reload())
}
