import '../shared/ui/base.css'
import './join.css'
import { render } from 'preact'
import { inAppOf, thisBrowser } from '../shared/client/in-app'
import { Rest } from '../shared/client/rest'
import { JoinPage } from './page'

const root = document.getElementById('app')
if (root !== null) {
  render(
    <JoinPage
      rest={new Rest()}
      inApp={inAppOf(thisBrowser())}
      go={(path) => location.assign(path)}
    />,
    root,
  )
}
