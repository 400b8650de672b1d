"""Which language does a three-letter code of GDELT mean? ISO 639-2/639-3 to ISO 639-1.

The languages that GDELT Translingual says to translate, and the older "bibliographic" codes of some.
"""

from __future__ import annotations

_CODES = """
afr=af sqi=sq alb=sq amh=am ara=ar hye=hy arm=hy aze=az eus=eu baq=eu bel=be ben=bn bos=bs bul=bg
mya=my bur=my cat=ca zho=zh chi=zh hrv=hr ces=cs cze=cs dan=da nld=nl dut=nl eng=en est=et fin=fi
fra=fr fre=fr glg=gl kat=ka geo=ka deu=de ger=de ell=el gre=el guj=gu heb=he hin=hi hun=hu isl=is
ice=is ind=id ita=it jpn=ja kan=kn kaz=kk khm=km kor=ko kur=ku lao=lo lav=lv lit=lt mkd=mk mac=mk
msa=ms may=ms mal=ml mar=mr mon=mn nep=ne nor=no nob=no nno=no pan=pa pus=ps fas=fa per=fa pol=pl
por=pt ron=ro rum=ro rus=ru srp=sr scc=sr sin=si slk=sk slo=sk slv=sl som=so spa=es swa=sw swe=sv
tgl=tl fil=tl tam=ta tel=te tha=th tur=tr ukr=uk urd=ur uzb=uz vie=vi cym=cy
"""
_LANGS = dict(pair.split("=") for pair in _CODES.split())


def language(code: str) -> str:
    """Two letters, or "" for a code that is not in the table.

    >>> language("kor"), language("zho"), language("xxx")
    ('ko', 'zh', '')
    """
    return _LANGS.get(code, "")
