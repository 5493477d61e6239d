"""The medical side of a bill: patient, visit, diagnoses, procedures and fee lines (field tables: docs/model.md)."""

from collections.abc import Sequence
from typing import Annotated as A

import msgspec

from gateway.claims.canonical.types import (
    FEN,
    ID,
    SHA256,
    UNSET,
    CertType,
    ClassLevel,
    Day,
    Dec,
    DiagnosisKind,
    DischargeWay,
    FeeCategory,
    Gender,
    Instant,
    ItemKind,
    Model,
    PayerClass,
    UnsetType,
    VisitKind,
)
from gateway.kernel.fields import F, I, M, O, leaf
from gateway.kernel.ids import are_ids, is_id


class Patient(Model, frozen=True, kw_only=True):
    patient_id: A[str, leaf("网关患者号", O, pattern=ID)]
    name: A[str, leaf("姓名", I, "psn_name", min_length=1, max_length=50)]
    cert_type: A[CertType, leaf("证件类型", I, "psn_cert_type")]
    cert_no: A[str, leaf("证件号码", I, "certno", min_length=1, max_length=30)]
    gender: A[Gender, leaf("性别", I, "gend")]
    birth_date: A[Day, leaf("出生日期", I, "brdy")]
    mobile: A[str, leaf("手机号", I, "tel", max_length=30)] | UnsetType = UNSET
    guardian_ref: A[str, leaf("监护人", I, pattern=ID)] | UnsetType = UNSET
    psn_no: A[str, leaf("医保人员编号", I, "psn_no", pattern=ID)] | UnsetType = UNSET
    insured_area: A[str, leaf("参保地", I, "insuplc_admdvs", max_length=6)] | UnsetType = UNSET
    insurance_type: A[str, leaf("险种", F, "insutype", max_length=10)] | UnsetType = UNSET
    person_category: A[str, leaf("人员类别", F, "psn_type", max_length=20)] | UnsetType = UNSET
    ethnicity: A[str, leaf("民族", I, "naty", pattern=r"^\d{2}$")] | UnsetType = UNSET
    nationality: A[str, leaf("国籍", I, "ntly", max_length=50)] | UnsetType = UNSET
    drug_allergy: A[bool, leaf("药物过敏", M)] | UnsetType = UNSET


class RecordRef(Model, frozen=True, kw_only=True):
    ref: A[str, leaf("病历附件引用", M, max_length=200)]
    sha256: A[str, leaf("病历附件摘要", M, pattern=SHA256)]


class MedicalRecord(Model, frozen=True, kw_only=True):
    """Text of the record for insurers that open no case without one (惠医保 3.4, package S340)."""

    record_id: A[str, leaf("医院病历ID", M, pattern=ID)]
    chief_complaint: A[str, leaf("主诉", M, max_length=2000)]
    present_illness: A[str, leaf("现病史", M, max_length=4000)] | UnsetType = UNSET
    past_illness: A[str, leaf("既往史", M, max_length=4000)] | UnsetType = UNSET
    examination: A[str, leaf("体格检查", M, max_length=4000)] | UnsetType = UNSET
    treatment: A[str, leaf("诊治经过", M, max_length=4000)] | UnsetType = UNSET
    operation: A[str, leaf("手术经过", M, max_length=4000)] | UnsetType = UNSET
    discharge_status: A[str, leaf("出院情况", M, max_length=2000)] | UnsetType = UNSET
    discharge_order: A[str, leaf("出院医嘱", M, max_length=2000)] | UnsetType = UNSET


class ExamReport(Model, frozen=True, kw_only=True):
    """One imaging or function report (惠医保 3.6)."""

    record_id: A[str, leaf("检查记录号", O, pattern=ID)]
    kind: A[str, leaf("检查类型", M, max_length=50)]
    report_no: A[str, leaf("检查报告号", M, max_length=64)]
    reported_at: A[Instant, leaf("报告时间", M, tz=True)]
    part: A[str, leaf("检查部位", M, max_length=100)]
    findings: A[str, leaf("检查所见", M, max_length=4000)]
    opinion: A[str, leaf("诊断建议", M, max_length=4000)]


class LabResult(Model, frozen=True, kw_only=True):
    """One item of a laboratory report (惠医保 3.7)."""

    record_id: A[str, leaf("检验记录号", O, pattern=ID)]
    item: A[str, leaf("检验项目", M, max_length=200)]
    report_no: A[str, leaf("检验报告号", M, max_length=64)]
    sampled_at: A[Instant, leaf("采样时间", M, tz=True)]
    reported_at: A[Instant, leaf("检验时间", M, tz=True)]
    result: A[str, leaf("检验结果", M, max_length=500)]
    unit: A[str, leaf("检验单位", M, max_length=50)]
    flag: A[str, leaf("异常标识", M, max_length=50)]
    reference: A[str, leaf("参考值", M, max_length=200)]


class Visit(Model, frozen=True, kw_only=True):
    visit_id: A[str, leaf("就诊号", O, "ipt_otp_no", pattern=ID)]
    hospital_code: A[str, leaf("定点编码", O, "fixmedins_code", pattern=ID)]
    hospital_name: A[str, leaf("定点名称", O, "fixmedins_name", max_length=200)]
    mdtrt_id: A[str, leaf("医保就诊ID", O, "mdtrt_id", pattern=ID)] | UnsetType = UNSET
    setl_id: A[str, leaf("医保结算ID", O, "setl_id", pattern=ID)] | UnsetType = UNSET
    bill_ref: A[str, leaf("收费单据号", O, pattern=ID)] | UnsetType = UNSET
    operator_code: A[str, leaf("收费员编码", O, "opter", max_length=30)] | UnsetType = UNSET
    operator_name: A[str, leaf("收费员姓名", I, "opter_name", max_length=50)] | UnsetType = UNSET
    area_code: A[str, leaf("统筹区编码", F, max_length=6)] | UnsetType = UNSET
    area_name: A[str, leaf("统筹区名称", F, max_length=100)] | UnsetType = UNSET
    visit_kind: A[VisitKind, leaf("就诊类别", M, "med_type")]
    payer_class: A[PayerClass, leaf("费用类别", F)]
    begin_at: A[Instant, leaf("开始时间", M, "begntime", tz=True)]
    end_at: A[Instant, leaf("结束时间", M, "endtime", tz=True)] | UnsetType = UNSET
    dept_code: A[str, leaf("科室编码", M, "dept_code", max_length=30)]
    dept_name: A[str, leaf("科室名称", M, "dept_name", max_length=100)]
    doctor_code: A[str, leaf("医生编码", I, "atddr_no", max_length=30)] | UnsetType = UNSET
    doctor_name: A[str, leaf("医生姓名", I, "dr_name", max_length=50)] | UnsetType = UNSET
    admit_way: A[str, leaf("入院途径", M, "adm_way", max_length=10)] | UnsetType = UNSET
    discharge_way: A[DischargeWay, leaf("离院方式", M, "dscg_way")] | UnsetType = UNSET
    days: A[int, leaf("住院天数", M, "act_ipt_days", ge=0, le=9999)] | UnsetType = UNSET
    inpatient_no: A[str, leaf("住院号", M, max_length=30)] | UnsetType = UNSET
    bed_no: A[str, leaf("床位", M, "adm_bed", max_length=30)] | UnsetType = UNSET
    ward: A[str, leaf("病区", M, max_length=100)] | UnsetType = UNSET
    accident: A[bool, leaf("外伤标志", M)] | UnsetType = UNSET
    record_refs: tuple[RecordRef, ...] = ()
    record: MedicalRecord | UnsetType = UNSET
    exam_reports: tuple[ExamReport, ...] = ()
    lab_results: tuple[LabResult, ...] = ()


class Diagnosis(Model, frozen=True, kw_only=True):
    seq: A[int, leaf("序号", O, "diag_srt_no", ge=1)]
    is_main: A[bool, leaf("主诊断", M, "maindiag_flag")]
    kind: A[DiagnosisKind, leaf("诊断类别", M, "diag_type")]
    code: A[str, leaf("诊断代码", M, "diag_code", max_length=50)]
    system: A[str, leaf("编码体系", M, max_length=30)]
    name: A[str, leaf("诊断名称", M, "diag_name", max_length=200)]
    admit_condition: A[str, leaf("入院病情", M, "adm_cond_type", max_length=10)] | UnsetType = UNSET


class Procedure(Model, frozen=True, kw_only=True):
    code: A[str, leaf("手术操作代码", M, "oprn_oprt_code", max_length=50)]
    name: A[str, leaf("手术操作名称", M, "oprn_oprt_name", max_length=200)]
    performed_on: A[Day, leaf("手术日期", M, "oprn_oprt_date")]
    performed_at: A[Instant, leaf("手术时间", M, tz=True)] | UnsetType = UNSET
    anaesthesia: A[str, leaf("麻醉方式", M, "anst_way", max_length=10)] | UnsetType = UNSET
    surgeon_code: A[str, leaf("术者编码", M, "oper_dr_code", max_length=30)] | UnsetType = UNSET
    surgeon_name: A[str, leaf("术者姓名", I, "oper_dr_name", max_length=50)] | UnsetType = UNSET


class FeeLine(Model, frozen=True, kw_only=True):
    line_no: A[str, leaf("明细流水号", O, "feedetl_sn", told=ID)]
    batch_no: A[str, leaf("收费批次", O, "chrg_bchno", pattern=ID)] | UnsetType = UNSET
    rx_no: A[str, leaf("处方号", M, "rxno", max_length=30)] | UnsetType = UNSET
    occurred_at: A[Instant, leaf("发生时间", M, "fee_ocur_time", tz=True)]
    item_kind: A[ItemKind, leaf("目录类别", M, "list_type")]
    fee_category: A[FeeCategory, leaf("收费项目类别", M, "med_chrgitm_type")]
    nat_code: A[str, leaf("国家编码", M, "med_list_codg", max_length=50)] | UnsetType = UNSET
    nat_name: A[str, leaf("国家目录名称", M, max_length=200)] | UnsetType = UNSET
    hosp_code: A[str, leaf("院内项目编码", M, "medins_list_codg", max_length=150)]
    hosp_name: A[str, leaf("院内项目名称", M, "medins_list_name", max_length=200)]
    spec: A[str, leaf("规格", M, "spec", max_length=200)] | UnsetType = UNSET
    form: A[str, leaf("剂型", M, "dosform_name", max_length=100)] | UnsetType = UNSET
    unit: A[str, leaf("单位", M, max_length=20)] | UnsetType = UNSET
    price: A[Dec, leaf("单价", F, "pric")]
    qty: A[Dec, leaf("数量", M, "cnt")]
    amount: A[int, leaf("金额", F, "det_item_fee_sumamt", **FEN)]
    class_level: A[ClassLevel, leaf("甲乙丙", M, "chrgitm_lv")] | UnsetType = UNSET
    self_ratio: A[Dec, leaf("自付比例", F, "selfpay_prop")] | UnsetType = UNSET
    own_amount: A[int, leaf("全自费", F, "fulamt_ownpay_amt", **FEN)] | UnsetType = UNSET
    over_limit: A[int, leaf("超限价", F, "overlmt_amt", **FEN)] | UnsetType = UNSET
    pre_self: A[int, leaf("先行自付", F, "preselfpay_amt", **FEN)] | UnsetType = UNSET
    in_scope: A[int, leaf("符合范围", F, "inscp_scp_amt", **FEN)] | UnsetType = UNSET
    price_limit: A[Dec, leaf("限价", F, "pric_uplmt_amt")] | UnsetType = UNSET
    dept_code: A[str, leaf("开单科室编码", M, "bilg_dept_codg", max_length=30)] | UnsetType = UNSET
    dept_name: A[str, leaf("开单科室", M, "bilg_dept_name", max_length=100)] | UnsetType = UNSET
    doctor_code: A[str, leaf("开单医生编码", M, "bilg_dr_codg", max_length=30)] | UnsetType = UNSET
    doctor_name: A[str, leaf("开单医生", I, "bilg_dr_name", max_length=50)] | UnsetType = UNSET
    refund_of: A[str, leaf("退费原流水", O, "init_feedetl_sn", pattern=ID)] | UnsetType = UNSET


def require_numbered(lines: Sequence[FeeLine]) -> None:
    """The form of all line numbers at once: one by one they were a third of the decoder's work.

    Raises ``msgspec.ValidationError`` in the decoder's own words.
    """
    numbers = [line.line_no for line in lines]
    if not are_ids(numbers):
        wrong = [is_id(number) for number in numbers].index(False)
        raise msgspec.ValidationError(f"Expected `str` matching regex {ID!r} - at `$.lines[{wrong}].line_no`")
