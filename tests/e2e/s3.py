"""s3.py - what is in a bucket, and which uploads are open: signed requests (Signature Version 4) with the standard library."""
import datetime
import hashlib
import hmac
import re
import urllib.parse
import urllib.request


class Bucket:
    def __init__(self, settings, endpoint):
        self.settings, self.endpoint = settings, endpoint

    def get(self, **query):
        """The XML of GET /bucket?query."""
        s3 = self.settings
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        host = urllib.parse.urlparse(self.endpoint).netloc
        line = "&".join(f"{urllib.parse.quote(k, safe='')}={urllib.parse.quote(v, safe='')}" for k, v in sorted(query.items()))
        path, empty = "/" + s3["bucket"], hashlib.sha256(b"").hexdigest()
        headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": stamp}
        names = ";".join(headers)
        request = "\n".join(["GET", path, line, *(f"{k}:{v}" for k, v in headers.items()), "", names, empty])
        scope = f"{day}/{s3['region']}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        key = ("AWS4" + s3["secret"]).encode()
        for part in (day, s3["region"], "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={s3['key']}/{scope}, SignedHeaders={names}, Signature={signature}"
        with urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}{path}?{line}", headers=headers), timeout=20) as answer:
            return answer.read().decode()

    def keys(self, prefix):
        return re.findall(r"<Key>(.*?)</Key>", self.get(**{"list-type": "2", "prefix": prefix}))

    def uploads(self, prefix):
        return re.findall(r"<Key>(.*?)</Key>", self.get(uploads="", prefix=prefix))
