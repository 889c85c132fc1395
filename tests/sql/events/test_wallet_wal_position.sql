select plan(5);

delete from wallet.event_epochs;
select is(p.is_standby, false, 'a server that takes writes is no standby') from wallet_wal_position() p;
select is(p.epoch, null::integer, 'without an epoch it tells none') from wallet_wal_position() p;

insert into wallet.event_epochs (id, token, system_id, timeline, known_id, marked_id)
select 1, 7, h.system_id, h.timeline, 0, 0
from wallet.history_line() h;
select is(p.epoch, 7, 'it tells the epoch of this line of history') from wallet_wal_position() p;

update wallet.event_epochs set timeline = 'another';
select is(p.epoch, null::integer, 'after a failover it tells none, until the new epoch is noted') from wallet_wal_position() p;

create temp table before as
select p.wal_position from wallet_wal_position() p;
select pg_logical_emit_message(false, 'test', repeat('x', 100000)), pg_switch_wal();
select ok(p.wal_position >= b.wal_position + 100000, 'it tells what is on disk, in bytes')
from wallet_wal_position() p, before b;

select * from finish();
