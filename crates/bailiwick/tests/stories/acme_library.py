"""Drives every endpoint and every error of the ACME server with the `acme` library of certbot.

The story `acme_library` starts the servers, writes what this needs to know into the file that is the one argument,
and reads what was seen: one line per endpoint and per error type. Anything unexpected ends it with a traceback.
"""
import base64
import datetime
import json
import socket
import subprocess
import sys
import threading
import time

import josepy as jose
from acme import challenges, client, crypto_util, errors, jws, messages, standalone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

KNOW = json.load(open(sys.argv[1]))
WWW, API, APEX = "www.shop.example", "api.shop.example", "shop.example"
PREFIX = "urn:ietf:params:acme:error:"
SEEN = set()


def seen(what):
    SEEN.add(what)
    print(what, flush=True)


class Body(jose.JSONDeSerializable):
    """A payload that the library has no class for."""

    def __init__(self, **members):
        self.members = members

    def to_partial_json(self):
        return self.members

    @classmethod
    def from_json(cls, jobj):
        return cls(**jobj)


class Network(client.ClientNetwork):
    """Keeps the last answer, so that its headers can be looked at."""

    last = None

    def _send_request(self, *args, **kwargs):
        self.last = super()._send_request(*args, **kwargs)
        return self.last


class Party:
    """A key, with an account where it registered one."""

    def __init__(self, key=None, alg=jose.ES256):
        self.key = key or jose.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        self.net = Network(self.key, alg=alg, verify_ssl=KNOW["trust"], user_agent="bailiwick-tests")
        directory = client.ClientV2.get_directory(KNOW["directory"], self.net)
        self.acme = client.ClientV2(directory, self.net)

    def binding(self, eab):
        return messages.ExternalAccountBinding.from_data(
            self.key.public_key(), eab["kid"], eab["hmac"], self.acme.directory)

    def register(self, eab, **more):
        return self.acme.new_account(messages.NewRegistration.from_data(
            email="library@tests.example", terms_of_service_agreed=True,
            external_account_binding=self.binding(eab), **more))

    @property
    def url(self):
        return self.net.account.uri

    def post(self, url, obj=None):
        return self.acme._post(url, obj)

    def order(self, names, **more):
        identifiers = [{"type": "dns", "value": name} for name in names]
        return self.post(self.acme.directory["newOrder"], Body(identifiers=identifiers, **more))

    def raw(self, url, header, payload=b"{}", signature=None):
        """A JWS that the library would never make."""
        b64 = lambda octets: base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
        protected = b64(json.dumps(header).encode())
        body = {"protected": protected, "payload": b64(payload), "signature": signature or b64(b"x" * 64)}
        response = self.net._send_request(
            "POST", url, data=json.dumps(body), headers={"Content-Type": "application/jose+json"})
        return self.net._check_response(response)

    def nonce(self):
        return self.net.head(self.acme.directory["newNonce"]).headers["Replay-Nonce"]


def document(response, code, status):
    """A problem document as RFC 8555 §6.7 and RFC 9457 have it."""
    shown = response.json()
    assert shown["type"] == PREFIX + code, (code, shown)
    assert response.status_code == status == shown["status"], (status, response.status_code, shown)
    assert response.headers["Content-Type"] == "application/problem+json", response.headers
    assert "Replay-Nonce" in response.headers, response.headers
    assert 'rel="index"' in response.headers["Link"], response.headers
    assert len(shown["detail"]) > 10, shown
    seen("error " + code)
    return shown


def refused(party, code, status, act):
    """The act is refused with this type and status; gives the document."""
    try:
        done = act()
    except messages.Error as error:
        assert error.typ == PREFIX + code, (code, error)
    except errors.ConflictError:
        assert status == 409, (code, status)
    else:
        raise AssertionError(f"{code}: not refused: {done}")
    return document(party.net.last, code, status)


class Web:
    """What answers http-01 for everybody here."""

    def __init__(self):
        self.resources = set()
        self.server = standalone.HTTP01Server(("127.0.0.1", KNOW["http01_port"]), self.resources)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def of_kind(authz, kind):
    return next(one for one in authz["challenges"] if one["type"] == kind)


def ended(party, url, wanted=("valid", "invalid")):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        shown = party.post(url).json()
        if shown["status"] in wanted:
            return shown
        time.sleep(0.1)
    raise AssertionError(f"{url} never ended: {shown}")


def answer(party, order, kind, before=lambda challenge: None):
    """Answers one way for each authorization of an order; gives the last authorization."""
    for url in order["authorizations"]:
        authz = party.post(url).json()
        if authz["status"] == "pending":
            challenge = of_kind(authz, kind)
            before(challenge)
            party.post(challenge["url"], Body())
            authz = ended(party, url)
    return authz


def csr(names):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    return key, crypto_util.make_csr(pem, names)


def finalize_body(pem):
    der = x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)
    return Body(csr=jose.b64encode(der).decode())


def by_http(party, web):
    """Puts the file of a challenge where it is looked for."""
    def place(challenge):
        chall = challenges.HTTP01(token=jose.b64decode(challenge["token"]))
        response, validation = chall.response_and_validation(party.key)
        web.resources.add(standalone.HTTP01RequestHandler.HTTP01Resource(chall, response, validation))
    return place


def obtain(party, web, names, **more):
    """The library's own way from order to chains."""
    key, pem = csr(names)
    order = party.acme.new_order(pem, **more)
    for authz in order.authorizations:
        if authz.body.status == messages.STATUS_PENDING:
            challb = next(c for c in authz.body.challenges if isinstance(c.chall, challenges.HTTP01))
            response, validation = challb.response_and_validation(party.key)
            web.resources.add(
                standalone.HTTP01RequestHandler.HTTP01Resource(challb.chall, response, validation))
            party.acme.answer_challenge(challb, response)
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=60)
    order = party.acme.poll_authorizations(order, deadline)
    order = party.acme.finalize_order(order, deadline, fetch_alternative_chains=True)
    return key, order, x509.load_pem_x509_certificate(order.fullchain_pem.encode())


def bare(uri):
    """An account by its URL alone: what the library reads of a binding it cannot write again."""
    return messages.RegistrationResource(uri=uri, body=messages.NewRegistration.from_data())


def accounts():
    party, eabs = Party(), KNOW["credentials"]
    new_account = party.acme.directory["newAccount"]
    assert party.acme.external_account_required()
    seen("directory")
    assert party.nonce() != party.nonce()
    seen("newNonce")
    plain = lambda **more: party.post(new_account, Body(termsOfServiceAgreed=True, **more))
    refused(party, "accountDoesNotExist", 400, lambda: plain(onlyReturnExisting=True))
    refused(party, "externalAccountRequired", 403, plain)
    terms = refused(party, "userActionRequired", 403, lambda: party.post(
        new_account, Body(externalAccountBinding=party.binding(eabs[0]))))
    assert terms["instance"] == KNOW["terms"], terms
    assert KNOW["terms"] in party.net.last.links["terms-of-service"]["url"]
    for contact, code in [("tel:+1555", "unsupportedContact"), ("mailto:a@b.example,c@d.example", "invalidContact"),
                          ("mailto:nobody", "invalidContact"), ("mailto:a@b.example?cc=x", "invalidContact")]:
        refused(party, code, 400, lambda: plain(
            contact=[contact], externalAccountBinding=party.binding(eabs[0])))
    wrong = {"kid": eabs[0]["kid"], "hmac": eabs[1]["hmac"]}
    refused(party, "unauthorized", 403, lambda: party.register(wrong))
    party.register(eabs[0])
    assert party.net.last.status_code == 201
    seen("newAccount")
    uri = party.url
    # A second time it is the same account, found by its key.
    party.net.account = None
    try:
        party.register(eabs[1])
        raise AssertionError("a second account for one key")
    except errors.ConflictError as known:
        assert known.location == uri
    found = party.acme.query_registration(bare(uri))
    assert found.uri == uri
    changed = party.acme.update_registration(bare(uri), messages.Registration.from_data(email="other@tests.example"))
    assert changed.body.contact == ("mailto:other@tests.example",), changed
    seen("account update")
    return party


def key_change(party, other):
    url = party.acme.directory["keyChange"]
    fresh = jose.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))

    def inner(key, account):
        alg = jose.RS256 if isinstance(key, jose.JWKRSA) else jose.ES256
        payload = Body(account=account, oldKey=party.key.public_key().to_partial_json())
        signed = jws.JWS.sign(payload.json_dumps().encode(), key=key, alg=alg, nonce=None, url=url)
        return Body(**signed.to_partial_json())

    refused(party, "malformed", 400, lambda: party.post(url, inner(fresh, other.url)))
    refused(party, "malformed", 409, lambda: party.post(url, inner(other.key, party.url)))
    assert party.net.last.headers["Location"] == other.url
    party.post(url, inner(fresh, party.url))
    old, party.key, party.net.key = party.key, fresh, fresh
    party.post(party.url)
    party.net.key = old
    refused(party, "malformed", 400, lambda: party.post(party.url))
    party.net.key = fresh
    seen("keyChange")


def requests(party):
    """What is wrong with a request before anybody looks at what it wants."""
    url = party.url
    head = lambda **more: {"alg": "ES256", "kid": url, "nonce": party.nonce(), "url": url, **more}
    for alg in ["none", "HS256", "RS1", "ES999"]:
        told = refused(party, "badSignatureAlgorithm", 400, lambda: party.raw(url, head(alg=alg)))
        assert "ES256" in told["algorithms"], told
    signed = lambda nonce: party.net._check_response(party.net._send_request(
        "POST", url, data=party.net._wrap_in_jws(Body(), nonce, url),
        headers={"Content-Type": "application/jose+json"}))
    refused(party, "badNonce", 400, lambda: signed(jose.b64decode(base64.urlsafe_b64encode(b"n" * 32).rstrip(b"="))))
    # The library takes the nonce of the refusal and goes on.
    party.net._nonces = {b"n" * 32}
    assert party.post(url).ok
    nowhere = url[:-3] + "000"
    refused(party, "accountDoesNotExist", 400, lambda: party.raw(url, head(kid=nowhere)))
    refused(party, "unauthorized", 403, lambda: party.raw(url, head(url=url + "x")))
    refused(party, "malformed", 400, lambda: party.raw(url, head()))
    weak = Party(jose.JWKRSA(key=rsa.generate_private_key(65537, 1024)), jose.RS256)
    refused(weak, "badPublicKey", 400, lambda: weak.post(
        weak.acme.directory["newAccount"], Body(onlyReturnExisting=True)))
    wrong = party.net._send_request("GET", party.acme.directory["newOrder"])
    document(wrong, "malformed", 405)
    assert wrong.headers["Allow"] == "POST", wrong.headers
    plain = party.net._send_request("POST", url, data="{}", headers={"Content-Type": "text/plain"})
    document(plain, "malformed", 415)


def orders(party, payments):
    order = lambda *names, **more: lambda: party.order(names, **more)
    identifier = lambda kind, value: lambda: party.post(
        party.acme.directory["newOrder"], Body(identifiers=[{"type": kind, "value": value}]))
    refused(party, "rejectedIdentifier", 400, identifier("ip", "192.0.2.1"))
    refused(party, "unsupportedIdentifier", 400, identifier("email", "a@b.example"))
    refused(party, "rejectedIdentifier", 400, order("_x.shop.example"))
    refused(party, "rejectedIdentifier", 400, order("api.pay.example"))
    refused(party, "malformed", 400, order())
    refused(party, "malformed", 400, order(WWW, notAfter="2030-01-01T00:00:00Z"))
    refused(party, "invalidProfile", 400, order(WWW, profile="nowhere"))
    refused(party, "malformed", 400, order(WWW, replaces="x"))
    mixed = [("dns", WWW), ("dns", "_y.shop.example"), ("email", "a@b.example")]
    several = lambda: party.post(party.acme.directory["newOrder"], Body(
        identifiers=[{"type": kind, "value": value} for kind, value in mixed]))
    told = refused(party, "compound", 403, several)
    parts = {one["identifier"]["value"]: one for one in told["subproblems"]}
    assert {name: one["type"] for name, one in parts.items()} == {
        "_y.shop.example": PREFIX + "rejectedIdentifier",
        "a@b.example": PREFIX + "unsupportedIdentifier",
    }, told
    owned = refused(party, "rejectedIdentifier", 400, order(WWW, "api.pay.example"))
    assert {one["identifier"]["value"] for one in owned["subproblems"]} == {"api.pay.example"}, owned
    assert all(one["detail"] for one in [*told["subproblems"], *owned["subproblems"]])
    seen("subproblems")
    waits = refused(payments, "userActionRequired", 403, lambda: payments.order(["api.pay.example"]))
    assert "/changes/" in waits["instance"], waits
    refused(payments, "userActionRequired", 403, lambda: payments.post(
        payments.acme.directory["newAuthz"], Body(identifier={"type": "dns", "value": "api.pay.example"})))


def challenges_fail(party):
    """What a look says that fails: in the challenge, and in the order."""
    def begun(name, kind):
        placed = party.order([name])
        shown = placed.json()
        refused(party, "orderNotReady", 403, lambda: party.post(shown["finalize"], finalize_body(csr([name])[1])))
        [authz] = shown["authorizations"]
        party.post(of_kind(party.post(authz).json(), kind)["url"], Body())
        return placed.headers["Location"], authz

    listener = socket.create_server(("127.0.0.1", KNOW["tls_port"]))

    def no_tls():
        while True:
            try:
                stream, _ = listener.accept()
                stream.recv(1024)
                stream.sendall(b"HTTP/1.0 400 this is no TLS\r\n\r\n")
                stream.close()
            except OSError:
                return

    threading.Thread(target=no_tls, daemon=True).start()
    # All at once: each is looked at several times, with pauses.
    ways = [(WWW, "http-01", "connection"), (APEX, "dns-01", "dns"), (WWW, "dns-01", "incorrectResponse"),
            (WWW, "tls-alpn-01", "tls")]
    for (name, kind, code), (order, authz) in [(way, begun(*way[:2])) for way in ways]:
        error = of_kind(ended(party, authz), kind)["error"]
        assert error["type"] == PREFIX + code and error["detail"], error
        over = party.post(order).json()
        assert over["status"] == "invalid" and over["error"]["type"] == PREFIX + code, over
        seen("error " + code)
    listener.close()


def authorizations(party, web):
    new_authz = party.acme.directory["newAuthz"]
    made = party.post(new_authz, Body(identifier={"type": "dns", "value": WWW}))
    assert made.status_code == 201
    seen("newAuthz")
    authz = messages.AuthorizationResource(
        uri=made.headers["Location"], body=messages.Authorization.from_json(made.json()))
    polled, _ = party.acme.poll(authz)
    assert polled.body.status == messages.STATUS_PENDING
    seen("authorization")
    challb = next(c for c in polled.body.challenges if isinstance(c.chall, challenges.HTTP01))
    read = party.post(challb.uri).json()
    assert read["status"] == "pending", read
    seen("challenge")
    over = party.acme.deactivate_authorization(polled)
    assert over.body.status == messages.STATUS_DEACTIVATED
    seen("authorization deactivation")
    refused(party, "malformed", 400, lambda: party.post(
        new_authz, Body(identifier={"type": "dns", "value": "*.shop.example"})))


def by_dns(party):
    """dns-01 through RFC 2136, for a wildcard."""
    def update(line):
        text = f"server {KNOW['dns'][0]} {KNOW['dns'][1]}\n{line}\nsend\n"
        subprocess.run([KNOW["nsupdate"], "-y", KNOW["tsig"]], input=text, text=True, check=True)

    def place(challenge):
        chall = challenges.DNS01(token=jose.b64decode(challenge["token"]))
        update(f'add _acme-challenge.shop.example. 1 TXT "{chall.validation(party.key)}"')

    update("delete _acme-challenge.shop.example.")
    placed = party.order(["*.shop.example"]).json()
    assert answer(party, placed, "dns-01", place)["status"] == "valid"
    seen("dns-01 wildcard")


def certificates(party, web, stranger):
    key, order, certificate = obtain(party, web, [WWW])
    assert order.body.status == messages.STATUS_VALID
    for what in ["newOrder", "order", "finalize", "certificate"]:
        seen(what)
    [longer] = order.alternative_fullchains_pem
    assert longer.startswith(order.fullchain_pem)
    seen("alternate chain")
    when, _ = party.acme.renewal_time(order.fullchain_pem.encode())
    assert certificate.not_valid_before_utc < when < certificate.not_valid_after_utc
    seen("renewalInfo")
    named = client._renewal_info_path_component(certificate)
    nobodys = party.net._send_request("GET", f"{party.acme.directory['renewalInfo']}/AAAA.AAAA")
    assert nobodys.status_code in (400, 404) and nobodys.json()["type"] == PREFIX + "malformed"
    renewal = party.order([WWW], replaces=named).json()
    assert renewal["replaces"] == named and renewal["status"] == "ready", renewal
    refused(party, "alreadyReplaced", 409, lambda: party.order([WWW], replaces=named))
    refused(stranger, "malformed", 404, lambda: stranger.post(order.uri))
    finalize = renewal["finalize"]
    refused(party, "badCSR", 400, lambda: party.post(finalize, finalize_body(csr([WWW, API])[1])))
    refused(party, "badCSR", 400, lambda: party.post(finalize, Body(csr=jose.b64encode(b"no CSR").decode())))
    refused(party, "badRevocationReason", 400, lambda: party.acme.revoke(certificate, 99))
    refused(stranger, "unauthorized", 403, lambda: stranger.acme.revoke(certificate, 0))
    party.acme.revoke(certificate, 4)
    seen("revokeCert by account")
    refused(party, "alreadyRevoked", 400, lambda: party.acme.revoke(certificate, 4))
    second, _, other = obtain(party, web, [WWW])
    holder = Party(jose.JWKEC(key=second))
    holder.acme.revoke(other, 1)
    seen("revokeCert by key")
    refused(holder, "alreadyRevoked", 400, lambda: holder.acme.revoke(other, 1))


def caa(party, web):
    placed = party.order([API]).json()
    assert answer(party, placed, "http-01", by_http(party, web))["status"] == "valid"
    told = refused(party, "caa", 403, lambda: party.post(placed["finalize"], finalize_body(csr([API])[1])))
    assert API in told["detail"], told


def listed(party):
    """All of an account's orders, page by page, and the end of its allowance."""
    placed = []
    try:
        while len(placed) < 200:
            placed.append(party.order([WWW]).headers["Location"])
    except messages.Error:
        told = document(party.net.last, "rateLimited", 429)
        assert int(party.net.last.headers["Retry-After"]) > 0 and told["detail"]
        assert 'rel="help"' in party.net.last.headers["Link"]
    assert len(placed) == KNOW["orders_max"], len(placed)
    found, pages, url = [], 0, party.post(party.url).json()["orders"]
    while url:
        response = party.post(url)
        found, pages = found + response.json()["orders"], pages + 1
        url = next(iter(party.acme._get_links(response, "next")), None)
    assert found == placed and pages > 1, (len(found), pages)
    seen("orders list")


def over(party):
    gone = party.acme.deactivate_registration(bare(party.url))
    assert gone.body.status == "deactivated", gone
    seen("account deactivation")
    refused(party, "unauthorized", 401, lambda: party.post(party.url))


def registered(n):
    party = Party()
    party.register(KNOW["credentials"][n])
    return party


def main():
    party = accounts()
    rsa_key = jose.JWKRSA(key=rsa.generate_private_key(65537, 2048))
    stranger = Party(rsa_key, jose.RS256)
    stranger.register(KNOW["credentials"][1])
    key_change(party, stranger)
    requests(party)
    payments = Party()
    payments.register(KNOW["payments"])
    orders(party, payments)
    challenges_fail(party)
    web = Web()
    authorizations(registered(2), web)
    certificates(party, web, stranger)
    caa(stranger, web)
    by_dns(registered(3))
    web.stop()
    listed(registered(4))
    over(stranger)
    print(json.dumps(sorted(SEEN)))


main()
