"""A shadow's life, and what is around it."""

import threading
import time

import psycopg2

from .harness import DSN, INSERT, Case, call, execute

if DSN:
    import app
    from asgiref.sync import async_to_sync, sync_to_async
    from django.core import mail
    from django.db import connection, connections, transaction

    import quack_shadow


class Life(Case):
    def test_a_view_that_goes_on_beyond_its_budget_reaches_nothing(self):
        after, over = threading.Event(), []

        def view(request):
            execute(INSERT)
            after.wait(30)
            try:
                execute(INSERT)
            except Exception as e:
                over.append(str(e))
            mail.send_mail("late", "", "a@example.com", ["b@example.com"])
            after.set()

        reply = self.shadow(view, budget=300)
        self.assertEqual(("rolled-back", "budget", 503), (reply.outcome, reply.reason, reply.status))
        self.assertEqual(0, self.left())
        after.set()
        for _ in range(1000):
            if over:
                break
            time.sleep(0.01)
        self.assertIn("the shadow request is over", over[0])
        self.assertEqual((0, []), (self.left(), mail.outbox))

    def test_a_session_that_is_ended_from_outside(self):
        def view(request):
            execute(INSERT)
            connection.ensure_connection()
            self.ask(f"SELECT pg_terminate_backend({connection.connection.get_backend_pid()})")
            execute(INSERT)

        reply = self.shadow(view)
        self.assertEqual(("rolled-back", "unsupported:session-lost"), (reply.outcome, reply.reason))
        self.assertEqual(0, self.left())

    def test_a_thread_of_a_view_is_noticed(self):
        def view(request):
            def stray():
                try:
                    execute("UPDATE items SET qty = 1")
                finally:
                    connections.close_all()

            t = threading.Thread(target=stray)
            t.start()
            t.join()

        self.assertEqual("unsupported:foreign-context", self.shadow(view).reason)

    def test_a_query_before_the_adapter_fails_loudly(self):
        call(app.application, "/count", "GET")  # from here on, this thread serves requests
        app.count(None)
        self.assertEqual("unsupported:query-before", self.shadow(lambda r: None).reason)
        execute("UPDATE items SET qty = 1")
        reply = self.shadow(lambda r: None)
        self.assertEqual((500, None), (reply.status, reply.outcome))
        self.assertEqual("", self.shadow(lambda r: None).reason)

    def test_live_connections_are_djangos_own(self):
        execute("SELECT 1")
        self.assertIs(psycopg2.extensions.connection, type(connection.connection))
        live = connection.connection
        self.shadow(lambda r: execute(INSERT))
        self.assertIs(live, connection.connection)

    def test_reading(self):
        reply = self.shadow(lambda r: execute(INSERT), mode="readonly")
        self.assertEqual("write:25006:insert:items", reply.reason)
        reply = self.shadow(lambda r: self.assertEqual(0, app.Item.objects.count()), mode="readonly")
        self.assertEqual(([], "", None), (self.raised, reply.reason, reply.footprint))

    def test_reading_shadows_share_a_session_and_nothing_else(self):
        seen = []

        def view(request):
            with connection.cursor() as c:
                c.execute("SELECT pg_backend_pid(), current_setting('search_path')")
                seen.append(c.fetchone())
                c.execute("SET search_path = pg_temp")

        for _ in range(2):
            self.assertEqual("", self.shadow(view, mode="readonly").reason)
        self.assertEqual(seen[0], seen[1])

        def prepares(request):
            execute("PREPARE mine AS SELECT 1")

        for _ in range(2):  # a rollback does not take it back
            self.shadow(prepares, mode="readonly")
            self.assertEqual([], self.raised)

    def test_what_an_open_transaction_did_is_not_counted(self):
        def view(request):
            transaction.set_autocommit(False)
            execute(INSERT)

        reply = self.shadow(view)
        self.assertEqual(("", "tables=()", 0), (reply.reason, reply.footprint, self.left()))

    def test_what_can_not_be_undone_is_recorded(self):
        def view(request):
            with transaction.atomic():
                transaction.on_commit(self.fail)
                try:
                    with transaction.atomic():
                        transaction.on_commit(self.fail)
                        raise app.Rescued
                except app.Rescued:
                    pass
            transaction.on_commit(self.fail)
            one = mail.EmailMessage("a", "b", "c@example.com", ["d@example.com"])
            one.send()
            mail.get_connection().send_messages([one, one])
            mail.get_connection("django.core.mail.backends.console.EmailBackend").send_messages([one])
            self.assertTrue(quack_shadow.active() and quack_shadow.record("job", "A"))

        reply = self.shadow(view)
        self.assertEqual(([], []), (self.raised, mail.outbox))
        self.assertEqual('tables=(), effects=("callback";n=2 "job:A";n=1 "mail";n=4)', reply.footprint)

    def test_another_database_is_refused(self):
        connections.databases["other"] = {**connections.databases["default"]}
        self.addCleanup(connections.databases.pop, "other")

        def view(request):
            with connections["other"].cursor() as c:
                c.execute(INSERT)

        self.assertEqual("unsupported:other-database", self.shadow(view).reason)
        self.assertEqual(0, self.left())

    def test_outgoing_calls_carry_the_mark(self):
        seen = []
        self.shadow(lambda r: seen.append(quack_shadow.outgoing_headers("a=b,quack.shadow=x")))
        others, mark = seen[0]["Baggage"].split(",")
        self.assertEqual("a=b", others)
        reply = call(app.application, "/items", body=b'{"name": "x"}', headers={"HTTP_BAGGAGE": mark})
        self.assertEqual((409, 0), (reply.status, self.left()))

    def test_asgi_is_refused(self):
        async def asgi(scope, receive, send):
            pass

        with self.assertRaisesRegex(Exception, "ASGI"):
            quack_shadow.Adapter(asgi)

    def test_an_async_view_is_in_the_shadow(self):
        async def work():
            await sync_to_async(execute)(INSERT)
            return quack_shadow.active()

        reply = self.shadow(lambda r: self.assertTrue(async_to_sync(work)()))
        self.assertEqual(([], ""), (self.raised, reply.reason))
        self.assertIn('"public.items";ins=1)', reply.footprint)
        self.assertEqual(0, self.left())
