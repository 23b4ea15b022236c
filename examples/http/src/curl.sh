#!/bin/sh
# The same without a program: a registration under a lease, kept, looked at, watched and ended, with curl alone.
#
#     sh examples/http/src/curl.sh [host:port of a session node] [service]
set -eu

server=${1:-127.0.0.1:9600}
service=${2:-greetings}
address=127.0.0.1:8080

call() {
  curl -sS --fail-with-body "http://$server/rollcall.v1.RegistryService/$1" -H 'Content-Type: application/json' -d "$2"
  echo
}

echo '# register, for five seconds at a time'
call Register "{\"key\":{\"service\":\"$service\"},\"instance\":{\"address\":\"$address\",\"protocol\":\"http\"},\"leaseMs\":5000}"

echo '# renew: without it the instance goes when the lease ends'
call Renew "{\"key\":{\"service\":\"$service\"},\"instanceId\":\"http@$address\"}"

echo '# resolve'
call Resolve "{\"key\":{\"service\":\"$service\"},\"filter\":{\"protocol\":\"http\"}}"

echo '# services'
call ListServices '{}'

# Messages of a stream carry five bytes before them: a zero, and the length. Here two seconds of a watch.
echo '# watch'
body="{\"key\":{\"service\":\"$service\"}}"
printf "\\000\\000\\000\\000\\$(printf '%03o' ${#body})%s" "$body" |
  curl -sS -N --max-time 2 "http://$server/rollcall.v1.RegistryService/Watch" \
    -H 'Content-Type: application/connect+json' --data-binary @- 2>/dev/null | tr -d '\000' || true
echo

echo '# unregister'
call Unregister "{\"key\":{\"service\":\"$service\"},\"instanceId\":\"http@$address\"}"
call Resolve "{\"key\":{\"service\":\"$service\"}}"
