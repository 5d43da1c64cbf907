#!/bin/sh
# SPDX-License-Identifier: MIT
# 300 transactions of SQLite, each synced (rollback journal on the disk, synchronous=FULL).
set -eu
verb=$1
dir=$2
database=$dir/bank.db
transactions=300
fail() {
  echo "database: $*" >&2
  exit 1
}
note="what it was for, in words enough that pages fill: ........................................................"

# each FORMAT: for every movement its number, payer, payee and amount.
each() {
  number=1
  while [ $number -le $transactions ]; do
    # shellcheck disable=SC2059 # the format is the argument
    printf "$1" $number $((number % 50 + 1)) $((number * 7 % 50 + 1)) $((number * 13 % 97 + 1))
    number=$((number + 1))
  done
}

case $verb in
  prepare)
    sqlite3 -bail -batch "$database" >/dev/null <<'SQL'
PRAGMA journal_mode=DELETE;
CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE movement(id INTEGER PRIMARY KEY, payer INTEGER, payee INTEGER, amount INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO account SELECT i, 1000 FROM n;
SQL
    {
      echo 'PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;'
      each "BEGIN; INSERT INTO movement VALUES(%d, %d, %d, %d, '$note');
UPDATE account SET balance = balance - (SELECT amount FROM movement ORDER BY id DESC LIMIT 1)
 WHERE id = (SELECT payer FROM movement ORDER BY id DESC LIMIT 1);
UPDATE account SET balance = balance + (SELECT amount FROM movement ORDER BY id DESC LIMIT 1)
 WHERE id = (SELECT payee FROM movement ORDER BY id DESC LIMIT 1);
COMMIT;\n"
    } >"$dir/movements.sql"
    ;;
  run) sqlite3 -bail -batch "$database" <"$dir/movements.sql" >/dev/null ;;
  check)
    answer=$(sqlite3 -batch "$database" 'PRAGMA integrity_check' 2>&1) || fail "integrity_check: $answer"
    [ "$answer" = ok ] || fail "integrity_check: $answer"
    answer=$(sqlite3 -batch "$database" 'SELECT sum(balance) FROM account')
    [ "$answer" = 50000 ] || fail "the balances add up to $answer in place of 50000"
    each "%d|%d|%d|%d|$note\n" >"$dir/expected"
    sqlite3 -batch "$database" 'SELECT * FROM movement ORDER BY id' >"$dir/found"
    cmp -s "$dir/expected" "$dir/found" || fail "the movements are not those that were made"
    answer=$(sqlite3 -batch "$database" 'SELECT count(*) FROM account WHERE balance != 1000 +
 (SELECT total(amount) FROM movement WHERE payee = account.id) - (SELECT total(amount) FROM movement WHERE payer = account.id)')
    [ "$answer" = 0 ] || fail "$answer balances are not what the movements make of them"
    echo "$transactions transactions"
    ;;
  *) fail "there is no verb $verb" ;;
esac
