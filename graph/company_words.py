"""Words that company names are made of, in Korean, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

# Legal forms say nothing of which company it is. Latin ones are whole words, without dots.
FORMS_LATIN = frozenset(
    "co company corp corporation inc incorporated ltd limited llc llp plc gmbh ag kg se sa sas sarl "
    "spa srl nv bv ab oy as kk kabushiki kaisha pte pty pvt sdn bhd jsc pjsc oao ooo the and "
    "holdings holding group aktiengesellschaft".split()
)
FORMS_OTHER = (
    "주식회사", "유한책임회사", "유한회사", "합자회사", "합명회사", "(주)", "(유)", "㈜", "그룹", "홀딩스", "지주",
    "股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "集团", "集團", "控股", "公司", "株式会社", "株式會社",
    "有限会社",
)  # fmt: skip

# What a company does or where: the same word in three languages -> one sign.
WORDS: Mapping[str, str] = {
    word: sign
    for sign, words in {
        "chemical": "화학 케미칼 케미컬 chemical chemicals chem 化学 化學 化工",
        "electronics": "전자 일렉트로닉스 electronics electronic 电子 電子",
        "electric": "전기 일렉트릭 electric electrics 电气 電氣 电器",
        "electro-mechanics": "electro-mechanics electromechanics 电机",
        "motor": "자동차 모터스 motor motors automobile automotive auto 汽车 汽車 自動車",
        "heavy": "중공업 heavyindustries 重工 重工业",
        "steel": "제철 철강 스틸 steel 钢铁 鋼鐵 製鉄",
        "construction": "건설 construction engineering&construction 建设 建設 건설산업",
        "energy": "에너지 energy 能源 新能源",
        "solution": "솔루션 솔루션즈 solution solutions",
        "advanced": "첨단 advanced",
        "industries": "인더스트리 산업 industries industry 工业",
        "cable": "전선 cable cables",
        "battery": "배터리 battery batteries 电池 電池",
        "oil": "정유 오일 oil petroleum 石油 석유",
        "petrochemical": "석유화학 petrochemical petrochemicals 石化",
        "shipping": "상선 해운 shipping marine lines merchant 海运 海運",
        "shipbuilding": "조선 조선해양 shipbuilding 造船",
        "semiconductor": "반도체 세미콘 semiconductor semiconductors microelectronics 半导体 半導體",
        "display": "디스플레이 display 显示",
        "materials": "머티리얼즈 소재 materials material 材料",
        "cement": "시멘트 cement 水泥",
        "food": "식품 푸드 food foods 食品",
        "pharma": "제약 약품 pharma pharmaceutical pharmaceuticals 制药 製藥",
        "insurance": "보험 화재 생명 insurance life fire&marine 保险",
        "bank": "은행 뱅크 bank 银行 銀行",
        "card": "카드 card",
        "telecom": "텔레콤 통신 telecom telecommunications 电信",
        "gas": "가스 gas 燃气",
        "power": "전력 발전 power 电力",
        "trading": "상사 무역 trading international 인터내셔널 贸易 商事",
        "lithium": "리튬 lithium 锂业 鋰業",
        "mining": "광업 mining minerals 矿业",
        "metal": "금속 비철금속 metal metals 金属",
        "zinc": "아연 zinc 锌业",
        "glass": "유리 glass 玻璃",
        "tire": "타이어 tire tires tyre 轮胎",
        "aerospace": "에어로스페이스 항공우주 aerospace 航空航天",
        "air": "항공 airlines air airways 航空",
        "mobis": "모비스 mobis",
        "sdi": "sdi 에스디아이",
        "sds": "sds 에스디에스",
        "innotek": "이노텍 innotek",
        "hynix": "하이닉스 hynix 海力士",
        "innovation": "이노베이션 innovation",
        "glovis": "글로비스 glovis",
        "logistics": "물류 로지스틱스 logistics 物流",
        "systems": "시스템 시스템즈 systems system",
        "technology": "기술 테크놀로지 technology technologies tech 科技 技术",
        "at:kr": "한국 코리아 korea 韩国 韓國",
        "at:cn": "중국 차이나 china 中国 中國",
        "at:jp": "일본 재팬 japan 日本",
        "at:us": "미국 아메리카 america usa 美国",
        "at:de": "독일 germany deutschland 德国",
        "at:eu": "유럽 europe 欧洲",
    }.items()
    for word in words.split()
}  # fmt: skip

# Names that no rule of spelling joins. Each set is one brand.
BRANDS = (
    frozenset({"samsung", "삼성", "三星"}),
    frozenset({"hyundai", "현대", "现代", "現代"}),
    frozenset({"kia", "기아", "起亚"}),
    frozenset({"posco", "포스코", "浦项", "浦項"}),
    frozenset({"hanwha", "한화", "韩华"}),
    frozenset({"lotte", "롯데", "乐天"}),
    frozenset({"doosan", "두산", "斗山"}),
    frozenset({"kumho", "금호", "锦湖"}),
    frozenset({"catl", "닝더스다이", "宁德时代", "寧德時代", "contemporaryamperex"}),
    frozenset({"byd", "비야디", "比亚迪"}),
    frozenset({"ganfeng", "간펑", "赣锋", "贛鋒"}),
    frozenset({"tianqi", "톈치", "티엔치", "天齐", "天齊"}),
    frozenset({"sinopec", "시노펙", "中国石化", "중국석화"}),
    frozenset({"toyota", "도요타", "토요타", "丰田", "豊田", "豐田"}),
    frozenset({"mitsubishi", "미쓰비시", "미츠비시", "三菱"}),
    frozenset({"panasonic", "파나소닉", "松下"}),
    frozenset({"basf", "바스프", "巴斯夫"}),
    frozenset({"tesla", "테슬라", "特斯拉"}),
    frozenset({"고려아연", "koreazinc"}),
    frozenset({"bosch", "robertbosch", "보쉬", "보슈", "博世"}),
    frozenset({"tsmc", "台积电", "台積電", "taiwansemiconductormanufacturing"}),
    frozenset({"smic", "中芯国际"}),
    frozenset({"foxconn", "폭스콘", "富士康", "honhai", "鸿海", "鴻海"}),
    frozenset({"maersk", "머스크", "马士基"}),
    frozenset({"huawei", "화웨이", "华为"}),
)
