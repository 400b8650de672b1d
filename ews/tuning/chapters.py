"""What is an HS chapter called? Short names in Korean and English, in our own words, for tables.

Chapter 77 is kept free by the Harmonized System.
"""

from __future__ import annotations

from collections.abc import Mapping

CHAPTERS: Mapping[str, tuple[str, str]] = {
    "01": ("산 동물", "live animals"), "02": ("육류", "meat"),
    "03": ("수산물", "fish"), "04": ("낙농품·알·꿀", "dairy, eggs, honey"),
    "05": ("기타 동물성 생산품", "other animal products"), "06": ("산 식물·꽃", "live plants, flowers"),
    "07": ("채소", "vegetables"), "08": ("과일·견과", "fruit and nuts"),
    "09": ("커피·차·향신료", "coffee, tea, spices"), "10": ("곡물", "cereals"),
    "11": ("곡분·전분", "milled grain, starch"), "12": ("유지종자·사료작물", "oil seeds, fodder"),
    "13": ("식물성 수지·추출물", "gums, resins, extracts"),
    "14": ("기타 식물성 생산품", "other plant products"),
    "15": ("동식물성 유지", "fats and oils"), "16": ("육류·어류 조제품", "prepared meat and fish"),
    "17": ("당류", "sugar"), "18": ("코코아", "cocoa"),
    "19": ("곡물 조제품", "prepared cereals"), "20": ("채소·과일 조제품", "prepared vegetables, fruit"),
    "21": ("기타 조제식품", "other food preparations"), "22": ("음료·주류", "beverages"),
    "23": ("식품 찌꺼기·사료", "food residues, feed"), "24": ("담배", "tobacco"),
    "25": ("소금·황·토석·시멘트", "salt, sulphur, stone, cement"), "26": ("광석·슬래그", "ores, slag"),
    "27": ("광물성 연료", "mineral fuels"), "28": ("무기화학품", "inorganic chemicals"),
    "29": ("유기화학품", "organic chemicals"), "30": ("의약품", "medicines"),
    "31": ("비료", "fertilisers"), "32": ("염료·안료·도료", "dyes, pigments, paints"),
    "33": ("향료·화장품", "perfumes, cosmetics"), "34": ("비누·세제·왁스", "soap, detergents, waxes"),
    "35": ("단백질·접착제·효소", "proteins, glues, enzymes"), "36": ("화약류", "explosives"),
    "37": ("사진·영화용 재료", "photographic goods"),
    "38": ("각종 화학공업품", "other chemical products"),
    "39": ("플라스틱", "plastics"), "40": ("고무", "rubber"),
    "41": ("원피·가죽", "hides and leather"), "42": ("가죽 제품", "leather goods"),
    "43": ("모피", "fur"), "44": ("목재·목탄", "wood, charcoal"),
    "45": ("코르크", "cork"), "46": ("짚·조물 재료", "straw and wickerwork"),
    "47": ("펄프", "pulp"), "48": ("종이", "paper"),
    "49": ("인쇄물", "printed matter"), "50": ("견", "silk"),
    "51": ("양모", "wool"), "52": ("면", "cotton"),
    "53": ("기타 식물성 섬유", "other plant fibres"), "54": ("인조 필라멘트", "man-made filaments"),
    "55": ("인조 스테이플섬유", "man-made staple fibres"), "56": ("부직포·끈", "nonwovens, cordage"),
    "57": ("양탄자", "carpets"), "58": ("특수 직물", "special fabrics"),
    "59": ("코팅 직물", "coated fabrics"), "60": ("편물", "knitted fabrics"),
    "61": ("의류(편물)", "clothing, knitted"), "62": ("의류(편물 외)", "clothing, not knitted"),
    "63": ("기타 섬유 제품", "other textile articles"), "64": ("신발", "footwear"),
    "65": ("모자", "headgear"), "66": ("우산·지팡이", "umbrellas, sticks"),
    "67": ("조제 깃털·조화", "feathers, artificial flowers"),
    "68": ("석재·석면 제품", "articles of stone, asbestos"),
    "69": ("도자 제품", "ceramics"), "70": ("유리", "glass"),
    "71": ("귀금속·보석", "precious metals and stones"), "72": ("철강", "iron and steel"),
    "73": ("철강 제품", "articles of iron and steel"), "74": ("동", "copper"),
    "75": ("니켈", "nickel"), "76": ("알루미늄", "aluminium"),
    "78": ("납", "lead"), "79": ("아연", "zinc"),
    "80": ("주석", "tin"), "81": ("기타 비금속", "other base metals"),
    "82": ("공구", "tools"), "83": ("각종 비금속 제품", "articles of base metal"),
    "84": ("기계류", "machinery"), "85": ("전기·전자기기", "electrical and electronic equipment"),
    "86": ("철도 차량·컨테이너", "railway vehicles, containers"), "87": ("자동차", "vehicles"),
    "88": ("항공기", "aircraft"), "89": ("선박", "ships"),
    "90": ("광학·정밀·의료기기", "optical, precision, medical instruments"),
    "91": ("시계", "clocks and watches"), "92": ("악기", "musical instruments"),
    "93": ("무기", "arms"), "94": ("가구·조명", "furniture, lighting"),
    "95": ("완구·운동용품", "toys, sports goods"), "96": ("잡품", "other manufactured articles"),
    "97": ("예술품·골동품", "works of art, antiques"),
}  # fmt: skip


def chapter(code: str, lang: str) -> str:
    """The code with its name; the code alone where it is no chapter.

    >>> chapter("27", "en"), chapter("27", "ko"), chapter("-", "en")
    ('27 mineral fuels', '27 광물성 연료', '-')
    """
    if code not in CHAPTERS:
        return code
    ko, en = CHAPTERS[code]
    return f"{code} {ko if lang == 'ko' else en}"
