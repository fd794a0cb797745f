'use strict'
// Grenache's own client and the DHT below Grape, one call a run; prints the answer as JSON.
//   client.js link GRAPE-URL announce NAME PORT | lookup NAME | put TEXT | get HASH
//   client.js rpc GRAPE-URL NAME PAYLOAD-IN-JSON
//   client.js dht BOOTSTRAP-NODE announce NAME PORT | lookup NAME
const [kind, where, call, ...words] = process.argv.slice(2)

function end (error, answer) {
  console.log(JSON.stringify(error ? { error: error.message } : { answer }))
  process.exit(0)
}

if (kind === 'link') {
  const Link = require('grenache-nodejs-link')
  const link = new Link({ grape: where })
  link.start()
  if (call === 'announce') link.announce(words[0], Number(words[1]), { retry: 1 }, end)
  if (call === 'lookup') link.lookup(words[0], { retry: 1 }, end)
  if (call === 'put') link.put({ v: words[0] }, end)
  if (call === 'get') link.get(words[0], end)
} else if (kind === 'rpc') {
  const Link = require('grenache-nodejs-link')
  const { PeerRPCClient } = require('grenache-nodejs-http')
  const link = new Link({ grape: where })
  link.start()
  const peer = new PeerRPCClient(link, {})
  peer.init()
  peer.request(call, JSON.parse(words[0]), { timeout: 20000 }, end)
} else {
  const Dht = require('bittorrent-dht')
  const dht = new Dht({ bootstrap: [where], host: '127.0.0.1' })
  const key = Buffer.from(words[0]).toString('hex')
  const found = new Set()
  dht.on('peer', peer => found.add(`${peer.host}:${peer.port}`))
  dht.on('ready', () => {
    if (call === 'announce') dht.announce(key, Number(words[1]), end)
    if (call === 'lookup') dht.lookup(key, error => end(error, [...found]))
  })
}
